using CudaAttribution.Tensors;

namespace CudaAttribution.Models.Training;

/// <summary>What the host sends a step: parts of several types in one tensor, which the step reads in place.</summary>
/// <remarks>
/// They go up in one copy. More copies would make the host wait for the step before: the driver stages them in two buffers, and a third copy needs the
/// first buffer back.
/// </remarks>
internal sealed class BatchBuffer : IDisposable
{
    /// <summary>Each part begins as memory of its own would.</summary>
    private const int Alignment = 256;

    private readonly Arena _arena;
    private readonly Tensor _batch;
    private readonly byte[] _host;
    private readonly (int Start, Tensor Tensor)[] _parts;

    /// <param name="device">Where to.</param>
    /// <param name="parts">Type and shape of each part.</param>
    /// <exception cref="ArgumentException">They are over 2 GiB.</exception>
    public BatchBuffer(ComputeDevice device, params (DType Type, Shape Shape)[] parts)
    {
        long bytes = parts.Sum(Aligned);
        if (bytes > Array.MaxLength)
            throw new ArgumentException($"the batch of a step has {bytes} bytes, {Array.MaxLength} can be sent at once: use a smaller batch");
        _arena = new Arena(device);
        _batch = _arena.New(new Shape((int)bytes), DType.U8);
        _host = device.IsPlanning ? [] : new byte[bytes];
        _parts = new (int, Tensor)[parts.Length];
        int start = 0;
        for (int i = 0; i < parts.Length; i++)
        {
            var (type, shape) = parts[i];
            _parts[i] = (start, _batch.Rows(start, (int)shape.Count * type.Size()).As(type, shape));
            start += (int)Aligned(parts[i]);
        }
    }

    /// <summary>Bytes on the device.</summary>
    public long Bytes => _batch.Bytes;

    /// <summary>A part on the device, as the last <see cref="Upload"/> left it.</summary>
    public Tensor this[int part] => _parts[part].Tensor;

    /// <summary>A part on the host, for the next <see cref="Upload"/>.</summary>
    public Span<byte> Host(int part) => _host.AsSpan(_parts[part].Start, (int)_parts[part].Tensor.Bytes);

    /// <summary>Copies all parts to the device.</summary>
    public void Upload() => _batch.CopyFrom<byte>(_host);

    public void Dispose() => _arena.Dispose();

    private static long Aligned((DType Type, Shape Shape) part) => (part.Shape.Count * part.Type.Size() + Alignment - 1) / Alignment * Alignment;
}
