namespace CudaAttribution.Tensors.Weights;

/// <summary>Tensors in host memory as a source.</summary>
/// <param name="path">What to call them in messages.</param>
/// <param name="tensors">By name; not copied.</param>
/// <param name="metadata">String pairs; null for none.</param>
public sealed class HostWeights(
    string path, IReadOnlyDictionary<string, HostTensor> tensors, IReadOnlyDictionary<string, string>? metadata = null) : IWeightSource
{
    public string Path { get; } = path;

    public IReadOnlyDictionary<string, WeightInfo> Weights { get; } = new SortedDictionary<string, WeightInfo>(
        tensors.ToDictionary(t => t.Key, t => new WeightInfo(t.Value.Type, t.Value.Shape)), StringComparer.Ordinal);

    public IReadOnlyDictionary<string, string> Metadata { get; } = metadata ?? new Dictionary<string, string>();

    public void Read(string name, long start, Span<byte> destination)
    {
        var info = this.Info(name);
        WeightSources.RequireRange(info, name, start, destination.Length);
        tensors[name].Bytes.Slice(checked((int)(start * info.Type.Size())), destination.Length).CopyTo(destination);
    }

    /// <summary>Nothing to close.</summary>
    public void Dispose()
    {
    }
}
