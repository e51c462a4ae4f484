using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.Files.Lora;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Models.Files;

/// <summary>The parameters and buffers of one part of a model, which may share a <see cref="ParameterSet"/> with another: those under a prefix.</summary>
/// <param name="Set">The set, frozen.</param>
/// <param name="Prefix">What stands before the file's name of each parameter, <c>unet.</c> for example.</param>
internal sealed record ModelPart(ParameterSet Set, string Prefix)
{
    private readonly Dictionary<string, ParameterBuffer> _buffers =
        Set.Buffers.Where(b => b.Name.StartsWith(Prefix, StringComparison.Ordinal)).ToDictionary(b => b.Name[Prefix.Length..], StringComparer.Ordinal);

    /// <summary>Names of parameters and buffers as files have them, in ordinal order.</summary>
    public IReadOnlyList<string> FileNames { get; } =
    [
        .. Set.Names.Concat(Set.Buffers.Select(b => b.Name)).Where(n => n.StartsWith(Prefix, StringComparison.Ordinal))
            .Select(n => n[Prefix.Length..]).Order(StringComparer.Ordinal),
    ];

    public Tensor this[string fileName] => Set[Prefix + fileName];

    /// <summary>Number of parameters.</summary>
    public long Count => FileNames.Where(n => !_buffers.ContainsKey(n)).Sum(n => this[n].Count);

    /// <summary>The buffer of a name that files may lack; null where there is none or they must have it.</summary>
    public ParameterBuffer? Optional(string fileName) => _buffers.GetValueOrDefault(fileName) is { Optional: true } buffer ? buffer : null;
}

/// <summary>Weights and buffers of a part of a model as a safetensors file, in PyTorch's layout and under the names that it has there.</summary>
internal static class WeightFile
{
    /// <summary>Buffers that older exporters wrote and that are no parameters.</summary>
    private const string PositionIds = "text_model.embeddings.position_ids";

    /// <summary>
    /// About how many elements are moved at a time: a tensor goes through a buffer piece by piece, so that loading takes no more memory than the
    /// weights themselves.
    /// </summary>
    private const int PieceElements = 1 << 18;

    /// <summary>Reads floating-point weights and buffers. Names, types and shapes are checked before anything is set.</summary>
    /// <exception cref="ModelFileException">
    /// A tensor is missing, superfluous or misshapen (the message lists the tensors), cannot be read, or has a value that is NaN or infinite.
    /// </exception>
    public static void Load(IWeightSource source, ModelPart part)
    {
        Check(source, part);
        float[] file = [], memory = [];
        try
        {
            foreach (string name in part.FileNames)
            {
                var tensor = part[name];
                if (!source.Weights.ContainsKey(name))
                {
                    part.Optional(name)!.Reset();
                    continue;
                }
                if (tensor.Type == DType.I64)
                {
                    tensor.CopyFrom<long>(source.ReadTensor(name).Values<long>());
                    continue;
                }
                long done = 0;
                foreach (var rows in Pieces(tensor))
                {
                    int count = checked((int)rows.Count);
                    if (file.Length < count) (file, memory) = (new float[count], new float[count]);
                    var values = file.AsSpan(0, count);
                    source.ReadF32(name, done, values);
                    source.RequireFinite(name, values, done);
                    if (!WeightMap.IsPlain(rows.Shape))
                    {
                        WeightMap.FromFile(values, rows.Shape, memory);
                        values = memory.AsSpan(0, count);
                    }
                    rows.CopyFrom<float>(values);
                    done += count;
                }
            }
        }
        catch (WeightFileException e)
        {
            throw new ModelFileException($"the weights cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Writes the weights as F32, F16 or BF16.</summary>
    /// <exception cref="WeightFileException">A weight has no finite value in <paramref name="type"/>, or the file cannot be written.</exception>
    /// <param name="path">Where to.</param>
    /// <param name="part">The part.</param>
    /// <param name="type">F32, F16 or BF16.</param>
    /// <param name="deltas">What is added to some weights; null for nothing.</param>
    public static void Save(string path, ModelPart part, DType type, IReadOnlyDictionary<string, LowRankDelta>? deltas = null)
    {
        using var weights = new PartWeights(path, part);
        IWeightSource source = deltas is null ? weights : new MergedWeights(weights, deltas);
        SafetensorsWriter.Write(path, source, new Dictionary<string, string> { ["format"] = "pt" }, type);
    }

    /// <summary>Adds names, shapes and values, all as in a file, to a hash.</summary>
    public static void AddTo(IncrementalHash hash, ModelPart part)
    {
        foreach (string name in part.FileNames)
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{part.Prefix}{name} {WeightMap.FileShape(part[name].Shape)}\n"));
            if (part[name].Type == DType.I64)
            {
                hash.AppendData(MemoryMarshal.AsBytes<long>(part[name].ToArray<long>()));
                continue;
            }
            foreach (var rows in Pieces(part[name]))
            {
                hash.AppendData(MemoryMarshal.AsBytes<float>(WeightMap.ToFile(rows.ToArray<float>(), rows.Shape)));
            }
        }
    }

    /// <summary>A tensor as runs of whole rows, which lie one after the other in memory and in a file alike.</summary>
    private static IEnumerable<Tensor> Pieces(Tensor tensor)
    {
        int rows = tensor.Shape[0], step = (int)Math.Clamp(PieceElements / (tensor.Count / rows), 1, rows);
        for (int row = 0; row < rows; row += step) yield return tensor.Rows(row, Math.Min(step, rows - row));
    }

    /// <summary>Compares names, shapes and types with those of a part.</summary>
    /// <exception cref="ModelFileException">They do not fit; the message lists the tensors.</exception>
    public static void Check(IWeightSource source, ModelPart part)
    {
        var wanted = part.FileNames.ToHashSet(StringComparer.Ordinal);
        var missing = part.FileNames.Where(n => !source.Weights.ContainsKey(n) && part.Optional(n) is null);
        var superfluous = source.Weights.Keys.Where(n => !wanted.Contains(n) && n != PositionIds);
        var misshapen = part.FileNames
            .Where(n => source.Weights.TryGetValue(n, out var info) && info.Shape != WeightMap.FileShape(part[n].Shape))
            .Select(n => $"{n} (is {source.Weights[n].Shape}, must be {WeightMap.FileShape(part[n].Shape)})");
        var integers = part.FileNames.Where(n => Given(n) is { } type && part[n].Type == DType.F32 && !type.IsFloat());
        var notCounters = part.FileNames.Where(n => Given(n) is { } type && part[n].Type == DType.I64 && type != DType.I64);
        string problems = List("missing", missing) + List("superfluous", superfluous) + List("misshapen", misshapen)
            + List("not floating-point", integers) + List("not I64", notCounters);
        if (problems.Length > 0)
        {
            throw new ModelFileException($"{source.Path} does not fit its configuration, which says {part.FileNames.Count} tensors:{problems}");
        }

        DType? Given(string name) => source.Weights.TryGetValue(name, out var info) ? info.Type : null;
    }

    private static string List(string what, IEnumerable<string> names)
    {
        string[] all = [.. names];
        return all.Length == 0 ? "" : $"\n  {all.Length} {what}: {PrintableText.List(all)}";
    }
}
