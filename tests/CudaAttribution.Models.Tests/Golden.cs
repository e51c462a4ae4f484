using System.Text.Json;
using CudaAttribution.Models.Files;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Models.Tests;

/// <summary>
/// A file of the independent oracle (see <c>golden/README.md</c>): tensors in PyTorch's layout and a note with configuration and scalars.
/// </summary>
internal sealed class Golden : IDisposable
{
    private readonly JsonDocument _note;
    private readonly SafetensorsFile _file;

    public Golden(string name)
    {
        _note = JsonDocument.Parse(Text($"{name}.json"));
        _file = SafetensorsFile.Open(PathOf($"{name}.safetensors"));
    }

    public JsonElement this[string key] => _note.RootElement.GetProperty(key);

    public string Config => this["config"].GetRawText();

    public static string Text(string file) => File.ReadAllText(PathOf(file));

    public IEnumerable<string> Names => _file.Tensors.Keys;

    /// <summary>A tensor as the file has it.</summary>
    public HostTensor Host(string tensor) => _file.Read(tensor);

    public Shape Shape(string tensor) => _file.Tensors[tensor].Shape;

    public bool Has(string tensor) => _file.Tensors.ContainsKey(tensor);

    /// <summary>Values in the order of the file.</summary>
    public float[] Values(string tensor) => _file.ReadF32(tensor);

    /// <summary>A picture-shaped tensor, <c>[N,C,H,W]</c> in the file, as <c>[N,H,W,C]</c>.</summary>
    public float[] Pictures(string tensor)
    {
        var s = Shape(tensor);
        return WeightMap.FromFile(Values(tensor), new Shape(s[0], s[2], s[3], s[1]));
    }

    public Tensor Picture(Arena arena, string tensor)
    {
        var s = Shape(tensor);
        return arena.From(Pictures(tensor), new Shape(s[0], s[2], s[3], s[1]));
    }

    public Tensor Tensor(Arena arena, string tensor) => arena.From(Values(tensor), Shape(tensor));

    /// <summary>Fills a parameter set from the tensors under a prefix; every parameter must be there and no other.</summary>
    public void Fill(ParameterSet parameters, string prefix = "weight.")
    {
        foreach (string name in parameters.Names)
        {
            var tensor = parameters[name];
            NUnit.Framework.Assert.That(Shape(prefix + name), NUnit.Framework.Is.EqualTo(WeightMap.FileShape(tensor.Shape)), name);
            tensor.CopyFrom<float>(WeightMap.FromFile(Values(prefix + name), tensor.Shape));
        }
        NUnit.Framework.Assert.That(
            _file.Tensors.Keys.Count(k => k.StartsWith(prefix, StringComparison.Ordinal)),
            NUnit.Framework.Is.EqualTo(parameters.Names.Count));
    }

    public void Dispose()
    {
        _note.Dispose();
        _file.Dispose();
    }

    public static string PathOf(string file) => Path.Combine(AppContext.BaseDirectory, "golden", file);
}

/// <summary>Normalised mean squared error, Σ(a−b)²/Σb², in float64; NaN or infinity in either is infinite.</summary>
internal static class Nmse
{
    /// <summary>What the output of a network in F32 may differ from float64 by.</summary>
    public const double Limit = 1e-9;

    /// <summary>The same for gradients and for weights after training steps, whose roundings pass through the network twice and more.</summary>
    public const double GradientLimit = 1e-7;

    public static double Of(ReadOnlySpan<float> actual, ReadOnlySpan<float> expected)
    {
        if (actual.Length != expected.Length) throw new ArgumentException($"{actual.Length} values against {expected.Length}");
        double error = 0, size = 0;
        for (int i = 0; i < actual.Length; i++)
        {
            double d = (double)actual[i] - expected[i];
            error += d * d;
            size += (double)expected[i] * expected[i];
        }
        double result = error == 0 ? 0 : error / size;
        return double.IsFinite(result) ? result : double.PositiveInfinity;
    }
}
