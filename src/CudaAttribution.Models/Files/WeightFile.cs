using System.Security.Cryptography;
using System.Text;
using CudaAttribution.Tensors;

namespace CudaAttribution.Models;

/// <summary>The parameters of one part of a model, which may share a <see cref="ParameterSet"/> with another: those under a prefix.</summary>
/// <param name="Set">The set, frozen.</param>
/// <param name="Prefix">What stands before the file's name of each parameter, <c>unet.</c> for example.</param>
internal sealed record ModelPart(ParameterSet Set, string Prefix)
{
    /// <summary>Names as files have them, in ordinal order.</summary>
    public IReadOnlyList<string> FileNames { get; } =
    [
        .. Set.Names.Where(n => n.StartsWith(Prefix, StringComparison.Ordinal)).Select(n => n[Prefix.Length..]).Order(StringComparer.Ordinal),
    ];

    public Tensor this[string fileName] => Set[Prefix + fileName];

    /// <summary>Number of parameters.</summary>
    public long Count => FileNames.Sum(n => this[n].Count);
}

/// <summary>Weights of a part of a model as a safetensors file, in PyTorch's layout and under diffusers' names.</summary>
internal static class WeightFile
{
    private const int Listed = 10;

    /// <summary>Buffers that older exporters wrote and that are no parameters.</summary>
    private const string PositionIds = "text_model.embeddings.position_ids";

    /// <summary>Reads F32, F16 or BF16 weights. Names and shapes are checked before anything is set.</summary>
    /// <exception cref="ModelFileException">
    /// The file is missing, damaged, does not fit, or has NaN or infinite weights; the message lists the tensors.
    /// </exception>
    public static void Load(string path, ModelPart part)
    {
        if (!File.Exists(path))
        {
            throw new ModelFileException(
                $"{path} does not exist: it holds the weights. Point at a complete model folder, or make one with 'cudattr train'");
        }
        try
        {
            using var file = SafetensorsFile.Open(path);
            Check(file, part);
            foreach (string name in part.FileNames)
            {
                float[] values = file.ReadF32(name);
                file.RequireFinite(name, values);
                part[name].CopyFrom<float>(WeightMap.FromFile(values, part[name].Shape));
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ModelFileException($"the weights cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Writes the weights as F32, F16 or BF16.</summary>
    /// <exception cref="SafetensorsException">A weight has no finite value in <paramref name="type"/>, or the file cannot be written.</exception>
    public static void Save(string path, ModelPart part, DType type)
    {
        var tensors = part.FileNames.ToDictionary(
            name => name,
            name => HostTensor.From(WeightMap.ToFile(part[name].ToArray<float>(), part[name].Shape), WeightMap.FileShape(part[name].Shape)),
            StringComparer.Ordinal);
        SafetensorsWriter.Write(path, tensors, new Dictionary<string, string> { ["format"] = "pt" }, type);
    }

    /// <summary>Adds names, shapes and F32 values, all as in a file, to a hash.</summary>
    public static void AddTo(IncrementalHash hash, ModelPart part)
    {
        foreach (string name in part.FileNames)
        {
            var tensor = part[name];
            hash.AppendData(Encoding.UTF8.GetBytes($"{part.Prefix}{name} {WeightMap.FileShape(tensor.Shape)}\n"));
            hash.AppendData(HostTensor.From(WeightMap.ToFile(tensor.ToArray<float>(), tensor.Shape), WeightMap.FileShape(tensor.Shape)).Bytes);
        }
    }

    private static void Check(SafetensorsFile file, ModelPart part)
    {
        var wanted = part.FileNames.ToHashSet(StringComparer.Ordinal);
        var missing = part.FileNames.Where(n => !file.Tensors.ContainsKey(n));
        var superfluous = file.Tensors.Keys.Where(n => !wanted.Contains(n) && n != PositionIds);
        var misshapen = part.FileNames
            .Where(n => file.Tensors.TryGetValue(n, out var entry) && entry.Shape != WeightMap.FileShape(part[n].Shape))
            .Select(n => $"{n} (is {file.Tensors[n].Shape}, must be {WeightMap.FileShape(part[n].Shape)})");
        string problems = List("missing", missing) + List("superfluous", superfluous) + List("misshapen", misshapen);
        if (problems.Length > 0)
        {
            throw new ModelFileException($"{file.Path} does not fit its config.json, which says {part.FileNames.Count} tensors:{problems}");
        }
    }

    private static string List(string what, IEnumerable<string> names)
    {
        string[] all = [.. names];
        if (all.Length == 0) return "";
        string rest = all.Length > Listed ? $" and {all.Length - Listed} more" : "";
        return $"\n  {all.Length} {what}: {string.Join(", ", all.Take(Listed))}{rest}";
    }
}
