using System.Runtime.InteropServices;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Models.Files;

/// <summary>The weights of a part of a model as files have them: PyTorch's layout, under their names there, F32 but for counters. Reading waits for the device.</summary>
/// <param name="path">What to call it in messages.</param>
/// <param name="part">The part; must outlive this.</param>
internal sealed class PartWeights(string path, ModelPart part) : IWeightSource
{
    private (string Name, float[] Values)? _last;

    public string Path { get; } = path;

    public IReadOnlyDictionary<string, WeightInfo> Weights { get; } = new SortedDictionary<string, WeightInfo>(
        part.FileNames.ToDictionary(n => n, n => new WeightInfo(part[n].Type, WeightMap.FileShape(part[n].Shape))), StringComparer.Ordinal);

    public IReadOnlyDictionary<string, string> Metadata { get; } = new Dictionary<string, string>();

    public void Read(string name, long start, Span<byte> destination)
    {
        var info = this.Info(name);
        int count = (int)WeightSources.RequireRange(info, name, start, destination.Length);
        if (info.Type == DType.I64)
        {
            MemoryMarshal.AsBytes(part[name].ToArray<long>().AsSpan((int)start, count)).CopyTo(destination);
            return;
        }
        // A tensor is read piece by piece, its layout is changed as a whole: the last one is kept until another is asked for.
        if (_last?.Name != name) _last = (name, WeightMap.ToFile(part[name].ToArray<float>(), part[name].Shape));
        MemoryMarshal.AsBytes(_last.Value.Values.AsSpan((int)start, count)).CopyTo(destination);
    }

    public void Dispose() => _last = null;
}
