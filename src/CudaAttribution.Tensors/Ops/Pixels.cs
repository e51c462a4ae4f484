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
        QuantiseCase(5, 3), QuantiseCase(2, 3, 5, 7), QuantiseCase(3, 4099), QuantiseCase(32, 4, 4, 64) with { BenchOnly = true },
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

    /// <summary>
    /// y = step · round(x / step), to nearest even, with a step for each sample and channel; x itself where the step is not positive.
    /// </summary>
    /// <param name="x"><c>[N,...,C]</c>, rank 2 or more.</param>
    /// <param name="step"><c>[N,C]</c>.</param>
    /// <param name="destination">Shaped as <paramref name="x"/>; may be <paramref name="x"/> itself.</param>
    public static void Quantise(Tensor x, Tensor step, Tensor destination)
    {
        const string Op = "quantise";
        OpCheck.Argument(x.Device, Op, x);
        OpCheck.That(x.Shape.Rank >= 2 && x.Count > 0, Op, x, "[N,...,C], not empty");
        int samples = x.Shape[0], channels = x.Shape[^1], pixels = OpCheck.Int(Op, x.Count / samples / channels, "the number of pixels");
        OpCheck.Argument(x.Device, Op, step, new Shape(samples, channels));
        OpCheck.Argument(x.Device, Op, destination, x.Shape);
        int rows = Tiles.RowsPerBlock(channels);
        x.Device.Launch("quantise_f32", Tiles.Rows(pixels, rows, samples), new QuantiseParams
        {
            X = x.Pointer, Step = step.Pointer, Y = destination.Pointer, Pixels = pixels, C = channels, RowsPerBlock = rows,
        });
    }

    private static OpCase QuantiseCase(params int[] dims)
    {
        int sample = (int)(new Shape(dims).Count / dims[0]), channels = dims[^1];
        return new OpCase(
            "pixels/quantise",
            $"{new Shape(dims)}",
            [
                new OpInput("x", dims, OpFill.Normal(0f, 20f), Grad: false, Batched: true),
                new OpInput("step", [dims[0], channels], OpFill.Normal(0.5f), Grad: false, Batched: true),
            ],
            (tape, x) =>
            {
                var y = tape.New(x[0].Shape);
                Quantise(x[0], x[1], y);
                return y;
            },
            x => [.. x[0].Select((v, i) => (double)ReferenceQuantised((float)v, (float)x[1][i / sample * channels + i % channels]))])
        {
            Bytes = 8.0 * new Shape(dims).Count, Differentiable = false, BatchInvariant = true, Exact = true,
        };
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

    /// <summary>In F32 as the definition says, for the same reason.</summary>
    private static float ReferenceQuantised(float x, float step) => step > 0 ? step * float.Round(x / step, MidpointRounding.ToEven) : x;

    [StructLayout(LayoutKind.Sequential)]
    private struct QuantiseParams
    {
        public nint X, Step, Y;
        public int Pixels, C, RowsPerBlock;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct PixelParams
    {
        public nint X, Y;
        public long N;
    }
}
