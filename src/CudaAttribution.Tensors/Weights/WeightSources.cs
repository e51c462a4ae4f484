using System.Numerics;
using System.Runtime.InteropServices;

namespace CudaAttribution.Tensors.Weights;

/// <summary>What every <see cref="IWeightSource"/> can do.</summary>
public static class WeightSources
{
    private const int StagingBytes = 1 << 16;

    /// <summary>Whether elements of a type are floating-point numbers.</summary>
    public static bool IsFloat(this DType type) => type is DType.F32 or DType.F64 or DType.F16 or DType.BF16;

    /// <summary>The entry of a tensor.</summary>
    /// <exception cref="WeightFileException">There is no such tensor.</exception>
    public static WeightInfo Info(this IWeightSource source, string name)
    {
        if (source.Weights.TryGetValue(name, out var info)) return info;
        string sample = PrintableText.List(source.Weights.Keys, 3);
        throw new WeightFileException(source.Path, name, $"there is no such tensor among its {source.Weights.Count} ({sample})");
    }

    /// <summary>
    /// Elements of a tensor as F32, straight into <paramref name="destination"/>: F16 and BF16 exactly, F64 rounded to nearest even.
    /// </summary>
    /// <param name="source">The source.</param>
    /// <param name="name">Name of the tensor.</param>
    /// <param name="start">First element.</param>
    /// <param name="destination">Filled; its length says how many elements.</param>
    /// <exception cref="WeightFileException">There is no such tensor, or it holds integers.</exception>
    public static void ReadF32(this IWeightSource source, string name, long start, Span<float> destination)
    {
        var info = source.Info(name);
        if (!info.Type.IsFloat())
        {
            throw new WeightFileException(source.Path, name, $"its elements are {info.Type}, floating-point numbers are needed");
        }
        if (info.Type == DType.F32)
        {
            source.Read(name, start, MemoryMarshal.AsBytes(destination));
            return;
        }
        int size = info.Type.Size(), room = StagingBytes / size;
        Span<byte> staging = stackalloc byte[StagingBytes];
        while (destination.Length > 0)
        {
            int count = Math.Min(room, destination.Length);
            var bytes = staging[..(count * size)];
            source.Read(name, start, bytes);
            FloatFormats.ToF32(bytes, info.Type, destination[..count]);
            destination = destination[count..];
            start += count;
        }
    }

    /// <summary>A whole tensor as F32.</summary>
    /// <exception cref="WeightFileException">There is no such tensor, it holds integers, or it is too large for one array.</exception>
    public static float[] ReadF32(this IWeightSource source, string name)
    {
        long count = source.Info(name).Shape.Count;
        if (count > Array.MaxLength / sizeof(float))
        {
            throw new WeightFileException(
                source.Path, name, $"it has {count:N0} elements, at most {Array.MaxLength / sizeof(float):N0} can be read at once");
        }
        float[] values = new float[count];
        source.ReadF32(name, 0, values);
        return values;
    }

    /// <summary>A whole tensor in its own type.</summary>
    /// <exception cref="WeightFileException">There is no such tensor, or it is too large for one array.</exception>
    public static HostTensor ReadTensor(this IWeightSource source, string name)
    {
        var info = source.Info(name);
        if (info.Bytes > Array.MaxLength)
        {
            throw new WeightFileException(source.Path, name, $"it has {info.Bytes:N0} bytes, at most {Array.MaxLength:N0} can be read at once");
        }
        byte[] bytes = new byte[info.Bytes];
        source.Read(name, 0, bytes);
        return HostTensor.FromBytes(bytes, info.Type, info.Shape);
    }

    /// <summary>The one element of a tensor with one element, of any type.</summary>
    /// <exception cref="WeightFileException">There is no such tensor, or it has more or fewer elements.</exception>
    public static double ReadScalar(this IWeightSource source, string name)
    {
        var info = source.Info(name);
        if (info.Shape.Count != 1) throw new WeightFileException(source.Path, name, $"its shape is {info.Shape}, one number is needed");
        Span<byte> bytes = stackalloc byte[info.Type.Size()];
        source.Read(name, 0, bytes);
        return info.Type switch
        {
            DType.F64 => BitConverter.ToDouble(bytes),
            DType.I32 => BitConverter.ToInt32(bytes),
            DType.I64 => BitConverter.ToInt64(bytes),
            DType.U8 => bytes[0],
            _ => AsF32(bytes, info.Type),
        };

        static float AsF32(ReadOnlySpan<byte> bytes, DType type)
        {
            Span<float> value = stackalloc float[1];
            FloatFormats.ToF32(bytes, type, value);
            return value[0];
        }
    }

    /// <summary>Refuses values of a tensor of this source that a model cannot have: NaN and infinity.</summary>
    /// <param name="source">The source.</param>
    /// <param name="name">Name of the tensor.</param>
    /// <param name="values">Elements of it.</param>
    /// <param name="start">Number of the first of them.</param>
    /// <exception cref="WeightFileException">There is one; the message says which and where.</exception>
    public static void RequireFinite(this IWeightSource source, string name, ReadOnlySpan<float> values, long start = 0)
    {
        const int Exponent = 0x7F800000;
        var vectors = MemoryMarshal.Cast<float, Vector<int>>(values);
        var exponent = new Vector<int>(Exponent);
        int i = 0;
        while (i < vectors.Length && !Vector.EqualsAny(vectors[i] & exponent, exponent)) i++;
        for (i *= Vector<int>.Count; i < values.Length; i++)
        {
            if (!float.IsFinite(values[i]))
            {
                throw new WeightFileException(
                    source.Path, name, $"element {start + i} is {values[i]}: the file is damaged or its training diverged");
            }
        }
    }

    /// <summary>For implementations: checks a range that <see cref="IWeightSource.Read"/> was given.</summary>
    /// <returns>How many elements it has.</returns>
    /// <exception cref="ArgumentException">It is not inside the tensor, or no whole number of elements.</exception>
    public static long RequireRange(WeightInfo info, string name, long start, int bytes)
    {
        int size = info.Type.Size();
        long count = bytes / size;
        if (bytes % size != 0 || start < 0 || start > info.Shape.Count || count > info.Shape.Count - start)
        {
            throw new ArgumentException($"{bytes} bytes from element {start} are no range of tensor '{PrintableText.Of(name)}', {info}");
        }
        return count;
    }
}
