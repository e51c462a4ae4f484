using System.Runtime.InteropServices;

namespace CudaAttribution.Tensors;

/// <summary>A dense array on a device: contiguous, outermost axis first. Lifetime is that of its <see cref="Arena"/>.</summary>
public sealed class Tensor
{
    private readonly long _offset;
    private bool _released;

    internal Tensor(ComputeDevice device, Storage storage, long offset, DType type, Shape shape, Tensor? viewOf = null)
    {
        (Device, Storage, _offset, Type, Shape, ViewOf) = (device, storage, offset, type, shape, viewOf);
        RequiresGrad = viewOf?.RequiresGrad ?? false;
    }

    public ComputeDevice Device { get; }

    public DType Type { get; }

    public Shape Shape { get; }

    /// <summary>Device address of the first element.</summary>
    public nint Pointer => _released ? throw new ObjectDisposedException($"tensor {Shape}") : Storage.Pointer + (nint)_offset;

    public long Count => Shape.Count;

    public long Bytes => Count * Type.Size();

    /// <summary>Whether the tape computes a gradient for it. Outputs inherit it from their inputs.</summary>
    public bool RequiresGrad { get; set; }

    /// <summary>The gradient, once there is one; a parameter's is set from the start and is accumulated into.</summary>
    public Tensor? Grad { get; set; }

    internal Storage Storage { get; }

    /// <summary>The tensor whose memory and gradient this one reinterprets.</summary>
    internal Tensor? ViewOf { get; }

    /// <summary>The same memory under another shape of equal count; its gradient is the original's.</summary>
    public Tensor View(params int[] dims)
    {
        var shape = new Shape(dims);
        if (shape.Count != Count) throw new ArgumentException($"cannot view {Shape} as {shape}: {Count} elements against {shape.Count}");
        return new Tensor(Device, Storage, _offset, Type, shape, ViewOf ?? this);
    }

    /// <summary>Consecutive outermost rows <paramref name="start"/> .. start+count as a tensor of their own, outside the tape.</summary>
    public Tensor Rows(int start, int count)
    {
        if (start < 0 || count < 0 || start + count > Shape[0])
        {
            throw new ArgumentOutOfRangeException(nameof(start), $"rows {start}..{start + count} of {Shape}");
        }
        int[] dims = Shape.ToArray();
        long row = Count / Math.Max(1, dims[0]) * Type.Size();
        dims[0] = count;
        return new Tensor(Device, Storage, _offset + start * row, Type, dims);
    }

    /// <summary>The same bytes as elements of another type, outside the tape.</summary>
    /// <exception cref="ArgumentException">They are not as many.</exception>
    public Tensor As(DType type, Shape shape) => shape.Count * type.Size() == Bytes
        ? new Tensor(Device, Storage, _offset, type, shape)
        : throw new ArgumentException($"cannot take the {Bytes} bytes of {this} as {type} {shape}");

    public void CopyFrom<T>(ReadOnlySpan<T> source)
        where T : unmanaged
    {
        var bytes = MemoryMarshal.AsBytes(source);
        if (bytes.Length != Bytes) throw new ArgumentException($"{bytes.Length} bytes given for tensor {Shape} {Type} of {Bytes} bytes");
        Device.Driver.CopyToDevice(Pointer, bytes, Device.Stream);
    }

    /// <summary>Copies another tensor of the same device, type and number of elements, ordered in the stream.</summary>
    /// <exception cref="ArgumentException">It is of another device, type or size.</exception>
    public void CopyFrom(Tensor source)
    {
        OpCheck.Argument(Device, "copy", source, Type);
        OpCheck.That(source.Count == Count, "copy", source, $"of {Count} elements, as the destination {this} is");
        Device.Driver.CopyOnDevice(Pointer, source.Pointer, Bytes, Device.Stream);
    }

    public T[] ToArray<T>()
        where T : unmanaged
    {
        var result = new T[Bytes / System.Runtime.CompilerServices.Unsafe.SizeOf<T>()];
        Device.Driver.CopyToHost(MemoryMarshal.AsBytes(result.AsSpan()), Pointer, Device.Stream);
        return result;
    }

    /// <summary>All bytes zero, ordered in the stream.</summary>
    public void Zero() => Device.Driver.Fill(Pointer, 0, Bytes, Device.Stream);

    public override string ToString() => $"{Type} {Shape}";

    /// <summary>Gives the memory back before the arena does.</summary>
    internal void Release()
    {
        if (_released || ViewOf is not null) return;
        _released = true;
        Storage.Release();
    }
}
