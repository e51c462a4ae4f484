using System.IO.Compression;
using System.Security.Cryptography;
using System.Text.Json;
using CudaAttribution.Models.Files.SingleFile;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Weights;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests.Files;

/// <summary>Files of <c>build/oracle/make_weights.py</c>.</summary>
internal static class WeightFixtures
{
    public static string PathOf(string name) => Path.Combine(AppContext.BaseDirectory, "golden", "weights", name);

    public static JsonDocument Json(string name) => JsonDocument.Parse(File.ReadAllText(PathOf(name)));

    /// <summary>Names of a full-size single file with those of diffusers and the shape in the file, of family <c>v1</c> or <c>v2</c>.</summary>
    public static IReadOnlyList<(string Ldm, string[] Diffusers, Shape Shape)> FullSizeNames(StableDiffusionFamily family) =>
        Names("full_size_names.json.gz", family.ToString().ToLowerInvariant());

    /// <summary>The same of a network of the golden files.</summary>
    public static IReadOnlyList<(string Ldm, string[] Diffusers, Shape Shape)> GoldenNames(string golden) => Names("golden_names.json.gz", golden);

    private static IReadOnlyList<(string Ldm, string[] Diffusers, Shape Shape)> Names(string file, string key)
    {
        using var zip = new GZipStream(File.OpenRead(PathOf(file)), CompressionMode.Decompress);
        using var json = JsonDocument.Parse(zip);
        return
        [
            .. json.RootElement.GetProperty(key).EnumerateArray().Select(item => (
                item[0].GetString()!,
                item[1].EnumerateArray().Select(n => n.GetString()!).ToArray(),
                new Shape([.. item[2].EnumerateArray().Select(d => d.GetInt32())]))),
        ];
    }

    /// <summary>Requires exactly the tensors of an object of names with shape and digest.</summary>
    public static void RequireEqual(IWeightSource actual, JsonElement expected, string what)
    {
        Assert.That(actual.Weights.Keys, Is.EquivalentTo(expected.EnumerateObject().Select(p => p.Name)), what);
        foreach (var tensor in expected.EnumerateObject())
        {
            Assert.That(actual.Weights[tensor.Name].Shape, Is.EqualTo(ShapeOf(tensor.Value[0])), $"{what} {tensor.Name}");
            Assert.That(Digest(actual.ReadF32(tensor.Name)), Is.EqualTo(tensor.Value[1].GetString()), $"{what} {tensor.Name}");
        }
    }

    public static Shape ShapeOf(JsonElement dims) => new([.. dims.EnumerateArray().Select(d => d.GetInt32())]);

    private static string Digest(float[] values) =>
        Convert.ToHexStringLower(SHA256.HashData(System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan())))[..12];
}

/// <summary>Names and shapes without values: what a full-size file is to everything that looks at names only.</summary>
internal sealed class NamesOnly(string path, IEnumerable<(string Name, Shape Shape)> tensors, DType type = DType.F32) : IWeightSource
{
    public string Path { get; } = path;

    public IReadOnlyDictionary<string, WeightInfo> Weights { get; } = new SortedDictionary<string, WeightInfo>(
        tensors.ToDictionary(t => t.Name, t => new WeightInfo(type, t.Shape)), StringComparer.Ordinal);

    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();

    public void Read(string name, long start, Span<byte> destination) => throw new InvalidOperationException("names only");

    public void Dispose()
    {
    }
}
