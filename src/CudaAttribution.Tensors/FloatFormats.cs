using System.Runtime.InteropServices;

namespace CudaAttribution.Tensors;

/// <summary>Conversions between floating-point formats, to nearest even; NaN stays NaN.</summary>
internal static class FloatFormats
{
    /// <summary>Floating-point elements of a given type as F32.</summary>
    /// <exception cref="InvalidOperationException">The type is not a floating-point type.</exception>
    public static void ToF32(ReadOnlySpan<byte> source, DType type, Span<float> destination)
    {
        switch (type)
        {
            case DType.F32:
                source.CopyTo(MemoryMarshal.AsBytes(destination));
                break;
            case DType.F16:
                var halves = MemoryMarshal.Cast<byte, Half>(source);
                for (int i = 0; i < destination.Length; i++) destination[i] = (float)halves[i];
                break;
            case DType.BF16:
                var bits = MemoryMarshal.Cast<byte, ushort>(source);
                for (int i = 0; i < destination.Length; i++) destination[i] = BitConverter.UInt32BitsToSingle((uint)bits[i] << 16);
                break;
            case DType.F64:
                var doubles = MemoryMarshal.Cast<byte, double>(source);
                for (int i = 0; i < destination.Length; i++) destination[i] = (float)doubles[i];
                break;
            default:
                throw new InvalidOperationException($"elements of type {type} are not floating-point numbers");
        }
    }

    /// <summary>
    /// The bits of the nearest BF16. Adds half a unit in the last place, less one where the kept part is even; a NaN is made quiet instead, since the
    /// sum could turn it into infinity.
    /// </summary>
    public static ushort ToBF16(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        if (float.IsNaN(value)) return (ushort)((bits >> 16) | 0x40);
        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    /// <summary>The nearest BF16 as F32.</summary>
    public static float RoundToBF16(float value) => BitConverter.UInt32BitsToSingle((uint)ToBF16(value) << 16);
}
