namespace CudaAttribution.Tensors;

/// <summary>
/// Owner of tensors: whatever it handed out goes back to the device's pool when it is disposed. One arena per phase (a step, a sample, a model).
/// </summary>
public sealed class Arena(ComputeDevice device) : IDisposable
{
    private readonly List<Tensor> _tensors = [];
    private bool _disposed;

    public ComputeDevice Device { get; } = device;

    /// <summary>A tensor with undefined contents.</summary>
    public Tensor New(Shape shape, DType type = DType.F32)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var tensor = new Tensor(Device, Device.Pool.Rent(shape.Count * type.Size()), 0, type, shape);
        _tensors.Add(tensor);
        return tensor;
    }

    public Tensor Zeros(Shape shape, DType type = DType.F32)
    {
        var tensor = New(shape, type);
        tensor.Zero();
        return tensor;
    }

    public Tensor From(float[] values, Shape shape) => From<float>(values, shape, DType.F32);

    public Tensor From(int[] values, Shape shape) => From<int>(values, shape, DType.I32);

    public Tensor From(byte[] values, Shape shape) => From<byte>(values, shape, DType.U8);

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        for (int i = _tensors.Count - 1; i >= 0; i--) _tensors[i].Release();
        _tensors.Clear();
    }

    /// <summary>Number of tensors owned: a position to go back to with <see cref="ReleaseFrom"/>.</summary>
    internal int Mark => _tensors.Count;

    /// <summary>Gives back one tensor; a view gives back what it shows.</summary>
    /// <exception cref="ArgumentException">It is not of this arena.</exception>
    internal void Release(Tensor tensor)
    {
        int index = _tensors.FindLastIndex(t => ReferenceEquals(t.Storage, tensor.Storage));
        if (index < 0) throw new ArgumentException($"the tensor {tensor} does not belong to this arena", nameof(tensor));
        _tensors[index].Release();
        _tensors.RemoveAt(index);
    }

    /// <summary>Gives back what was made since <paramref name="mark"/>, except the memory of <paramref name="keep"/>.</summary>
    internal void ReleaseFrom(int mark, Tensor? keep)
    {
        int kept = mark;
        for (int i = mark; i < _tensors.Count; i++)
        {
            if (ReferenceEquals(_tensors[i].Storage, keep?.Storage)) _tensors[kept++] = _tensors[i];
            else _tensors[i].Release();
        }
        _tensors.RemoveRange(kept, _tensors.Count - kept);
    }

    private Tensor From<T>(ReadOnlySpan<T> values, Shape shape, DType type)
        where T : unmanaged
    {
        var tensor = New(shape, type);
        tensor.CopyFrom(values);
        return tensor;
    }
}
