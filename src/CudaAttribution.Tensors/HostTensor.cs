using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace CudaAttribution.Tensors;

/// <summary>A dense array in host memory with its element type and shape: what weight files hold. It does not copy the array it is given.</summary>
public sealed class HostTensor
{
    private readonly Array _values;

    private HostTensor(Array values, DType type, Shape shape)
    {
        if (values.Length != shape.Count)
        {
            throw new ArgumentException($"{values.Length} values given for shape {shape} of {shape.Count} elements", nameof(values));
        }
        (_values, Type, Shape) = (values, type, shape);
    }

    public DType Type { get; }

    public Shape Shape { get; }

    public long Count => Shape.Count;

    /// <summary>The elements in memory order, little-endian.</summary>
    /// <exception cref="InvalidOperationException">The tensor has 2 GB or more.</exception>
    public ReadOnlySpan<byte> Bytes
    {
        get
        {
            long bytes = Count * Type.Size();
            if (bytes > Array.MaxLength)
            {
                throw new InvalidOperationException($"tensor {this} has {bytes:N0} bytes, one may have at most {Array.MaxLength:N0}");
            }
            return MemoryMarshal.CreateReadOnlySpan(ref MemoryMarshal.GetArrayDataReference(_values), (int)bytes);
        }
    }

    public static HostTensor From(float[] values, Shape shape) => new(values, DType.F32, shape);

    public static HostTensor From(double[] values, Shape shape) => new(values, DType.F64, shape);

    public static HostTensor From(Half[] values, Shape shape) => new(values, DType.F16, shape);

    public static HostTensor From(int[] values, Shape shape) => new(values, DType.I32, shape);

    public static HostTensor From(long[] values, Shape shape) => new(values, DType.I64, shape);

    public static HostTensor From(byte[] values, Shape shape) => new(values, DType.U8, shape);

    /// <summary>BF16 elements given by their bits.</summary>
    public static HostTensor FromBFloat16(ushort[] bits, Shape shape) => new(bits, DType.BF16, shape);

    /// <summary>The elements as F32: F16 and BF16 exactly, F64 rounded to nearest even. An F32 tensor gives its own array.</summary>
    /// <exception cref="InvalidOperationException">The elements are integers.</exception>
    public float[] ToF32()
    {
        if (_values is float[] same) return same;
        var result = new float[Count];
        FloatFormats.ToF32(Bytes, Type, result);
        return result;
    }

    /// <summary>The elements themselves.</summary>
    /// <exception cref="InvalidOperationException"><typeparamref name="T"/> is not their type.</exception>
    public T[] Values<T>()
        where T : unmanaged =>
        _values as T[]
        ?? throw new InvalidOperationException($"tensor {this} holds {_values.GetType().GetElementType()!.Name}, not {typeof(T).Name}");

    public override string ToString() => $"{Type} {Shape}";

    /// <summary>A tensor over a copy of <paramref name="bytes"/>.</summary>
    internal static HostTensor FromBytes(ReadOnlySpan<byte> bytes, DType type, Shape shape)
    {
        return type switch
        {
            DType.F32 => From(Copy<float>(bytes), shape),
            DType.F64 => From(Copy<double>(bytes), shape),
            DType.F16 => From(Copy<Half>(bytes), shape),
            DType.BF16 => FromBFloat16(Copy<ushort>(bytes), shape),
            DType.I32 => From(Copy<int>(bytes), shape),
            DType.I64 => From(Copy<long>(bytes), shape),
            DType.U8 => From(bytes.ToArray(), shape),
            _ => throw new ArgumentOutOfRangeException(nameof(type), type, "unknown element type"),
        };

        static T[] Copy<T>(ReadOnlySpan<byte> bytes)
            where T : unmanaged
        {
            var values = new T[bytes.Length / Unsafe.SizeOf<T>()];
            bytes.CopyTo(MemoryMarshal.AsBytes(values.AsSpan()));
            return values;
        }
    }
}
