using System.Runtime.InteropServices;

namespace CudaAttribution.Tensors.Ops;

/// <summary>Pictures between bytes and the values that networks take; kernels in <c>pixels.cu</c>. Into given tensors, outside the tape.</summary>
/// <remarks>All throw <see cref="ArgumentException"/> where a type, a shape or the device of an argument does not fit.</remarks>
public static class PixelValues
{
    /// <summary>The checked instances of the family.</summary>
    public static IEnumerable<OpCase> Cases =>
    [
        ToPixelsCase(5, 7, 3), ToPixelsCase(4097), FromPixelsCase(5, 7, 3), FromPixelsCase(4099),
        ToPixelsCase(32, 32, 32, 3) with { BenchOnly = true },
    ];

    /// <summary>
    /// Images for files and pixel distances: y = round(255 clamp(x/2 + ½, 0, 1)), to nearest even. NaN has no pixel value and gives 0;
    /// whoever must not lose one calls <see cref="Elementwise.CountNonFinite"/> first.
    /// </summary>
    /// <param name="x">F32, nominally in [−1, 1].</param>
    /// <param name="destination">U8, shaped as <paramref name="x"/>.</param>
    public static void ToPixels(Tensor x, Tensor destination)
    {
        OpCheck.Argument(x.Device, "to_pixels", x);
        OpCheck.Argument(x.Device, "to_pixels", destination, x.Shape, DType.U8);
        x.Device.Launch("to_pixels_u8", Tiles.Flat(x.Count), new PixelParams { X = x.Pointer, Y = destination.Pointer, N = x.Count });
    }

    /// <summary>x = y / 127.5 − 1: pixels 0 .. 255 to [−1, 1]; <see cref="ToPixels"/> gives the same pixels back.</summary>
    /// <param name="pixels">U8.</param>
    /// <param name="destination">F32, shaped as <paramref name="pixels"/>.</param>
    public static void FromPixels(Tensor pixels, Tensor destination)
    {
        OpCheck.Argument(pixels.Device, "from_pixels", pixels, DType.U8);
        OpCheck.Argument(pixels.Device, "from_pixels", destination, pixels.Shape);
        pixels.Device.Launch("from_pixels_f32", Tiles.Flat(pixels.Count), new PixelParams
        {
            X = pixels.Pointer, Y = destination.Pointer, N = pixels.Count,
        });
    }

    private static OpCase ToPixelsCase(params int[] dims) => new(
        "pixels/to_pixels",
        $"{new Shape(dims)}",
        [new OpInput("x", dims, OpFill.Normal(), Grad: false, Batched: true)],
        (tape, x) =>
        {
            var y = tape.New(x[0].Shape, DType.U8);
            ToPixels(x[0], y);
            return y;
        },
        x => [.. x[0].Select(v => (double)ReferencePixel((float)v))])
    {
        Bytes = 5.0 * new Shape(dims).Count, Differentiable = false, BatchInvariant = true, Exact = true,
    };

    private static OpCase FromPixelsCase(params int[] dims) => new(
        "pixels/from_pixels",
        $"{new Shape(dims)}",
        [new OpInput("pixels", dims, OpFill.Pixels(), Grad: false, Batched: true)],
        (tape, x) =>
        {
            var y = tape.New(x[0].Shape);
            FromPixels(x[0], y);
            return y;
        },
        x => [.. x[0].Select(v => v / 127.5 - 1)])
    {
        Bytes = 5.0 * new Shape(dims).Count, Differentiable = false, BatchInvariant = true,
    };

    /// <summary>In F32 as the definition says, since near a half the rounding of x/2 + ½ decides.</summary>
    private static float ReferencePixel(float x) => float.Round(255f * float.Clamp(x / 2 + 0.5f, 0f, 1f), MidpointRounding.ToEven);

    [StructLayout(LayoutKind.Sequential)]
    private struct PixelParams
    {
        public nint X, Y;
        public long N;
    }
}
