namespace CudaAttribution.Tensors.Weights;

/// <summary>
/// Named tensors that stay where they are, on a device or on the host, and are read piece by piece: what is to be saved takes no second copy. Reading
/// waits for the device.
/// </summary>
/// <param name="path">What to call it in messages.</param>
public sealed class TensorState(string path) : IWeightSource
{
    private readonly SortedDictionary<string, WeightInfo> _infos = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Tensor> _onDevice = new(StringComparer.Ordinal);
    private readonly Dictionary<string, HostTensor> _onHost = new(StringComparer.Ordinal);

    public string Path => path;

    public IReadOnlyDictionary<string, WeightInfo> Weights => _infos;

    public IReadOnlyDictionary<string, string> Metadata { get; } = new Dictionary<string, string>();

    /// <summary>Adds a tensor on a device; it must outlive this.</summary>
    /// <exception cref="ArgumentException">The name is taken.</exception>
    public void Add(string name, Tensor tensor)
    {
        _infos.Add(name, new WeightInfo(tensor.Type, tensor.Shape));
        _onDevice.Add(name, tensor);
    }

    /// <summary>Adds a tensor on the host.</summary>
    /// <exception cref="ArgumentException">The name is taken.</exception>
    public void Add(string name, HostTensor tensor)
    {
        _infos.Add(name, new WeightInfo(tensor.Type, tensor.Shape));
        _onHost.Add(name, tensor);
    }

    public void Read(string name, long start, Span<byte> destination)
    {
        var info = this.Info(name);
        int count = (int)WeightSources.RequireRange(info, name, start, destination.Length);
        if (_onHost.TryGetValue(name, out var host))
        {
            host.Bytes.Slice(checked((int)(start * info.Type.Size())), destination.Length).CopyTo(destination);
            return;
        }
        var elements = _onDevice[name].View(checked((int)info.Shape.Count)).Rows(checked((int)start), count);
        elements.Device.Driver.CopyToHost(destination, elements.Pointer, elements.Device.Stream);
    }

    /// <summary>Nothing to close.</summary>
    public void Dispose()
    {
    }
}
