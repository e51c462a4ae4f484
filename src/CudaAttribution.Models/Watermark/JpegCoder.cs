using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Models.Watermark;

/// <summary>
/// What baseline JPEG loses (ITU-T T.81), as two convolutions and back: RGB to YCbCr (JFIF), colours averaged over 2x2 pixels, a DCT of blocks of 8x8,
/// coefficients rounded to multiples of the tables of annex K scaled as libjpeg does for a quality. The coding of the coefficients loses nothing.
/// </summary>
internal sealed class JpegCoder : IDisposable
{
    /// <summary>Sides of the pixels that a block of brightness, and one of colour, stands for.</summary>
    public const int LumaBlock = 8, ChromaBlock = 16;

    /// <summary>Coefficients of a block of brightness, and of the two blocks of colour together.</summary>
    public const int LumaSteps = 64, ChromaSteps = 128;

    /// <summary>Brightness that JPEG takes from the values before the DCT, of 255.</summary>
    private const float Level = 128f / 255;

    private static readonly byte[] LumaTable =
    [
        16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
        18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
    ];

    private static readonly byte[] ChromaTable =
    [
        17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,
        .. Enumerable.Repeat((byte)99, 32),
    ];

    /// <summary>Rows Y, Cb, Cr over red, green, blue.</summary>
    private static readonly double[,] FromRgb =
    {
        { 0.299, 0.587, 0.114 }, { -0.299 / 1.772, -0.587 / 1.772, 0.5 }, { 0.5, -0.587 / 1.402, -0.114 / 1.402 },
    };

    /// <summary>Rows red, green, blue over Y, Cb, Cr.</summary>
    private static readonly double[,] ToRgb =
    {
        { 1, 0, 1.402 }, { 1, -0.114 * 1.772 / 0.587, -0.299 * 1.402 / 0.587 }, { 1, 1.772, 0 },
    };

    private readonly Arena _arena;
    private readonly Tensor _luma, _chroma, _lumaBack, _chromaBack;

    /// <param name="device">Where it runs.</param>
    public JpegCoder(ComputeDevice device)
    {
        _arena = new Arena(device);
        _luma = Filters(LumaBlock, 1, 0);
        _chroma = Filters(ChromaBlock, 2, 1);
        _lumaBack = FiltersBack(LumaBlock, 1, 0);
        _chromaBack = FiltersBack(ChromaBlock, 2, 1);
    }

    /// <summary>Device memory of the filters.</summary>
    public long Bytes => 2 * (_luma.Bytes + _chroma.Bytes);

    /// <summary>The steps of a quality over 255: <see cref="LumaSteps"/> numbers, then <see cref="ChromaSteps"/>.</summary>
    /// <param name="quality">1 to 100.</param>
    /// <param name="luma">Gets the first.</param>
    /// <param name="chroma">Gets the others.</param>
    public static void Steps(int quality, Span<float> luma, Span<float> chroma)
    {
        int scale = quality < 50 ? 5000 / quality : 200 - (2 * quality);
        for (int i = 0; i < luma.Length; i++) luma[i] = Step(LumaTable[i]);
        for (int i = 0; i < chroma.Length; i++) chroma[i] = Step(ChromaTable[i % ChromaTable.Length]);

        float Step(byte entry) => int.Clamp(((entry * scale) + 50) / 100, 1, 255) / 255f;
    }

    /// <summary>Pictures through JPEG, not rounded to 8 bits; without a gradient.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="x"><c>[N,H,W,3]</c> in [0, 1], sides divisible by 16.</param>
    /// <param name="luma">Steps of brightness <c>[N,64]</c>.</param>
    /// <param name="chroma">Steps of the colours <c>[N,128]</c>.</param>
    /// <returns>The same shape, in [0, 1].</returns>
    public Tensor Apply(Tape tape, Tensor x, Tensor luma, Tensor chroma)
    {
        var centred = tape.Offset(x, -Level);
        var bright = tape.Conv2d(centred, _luma, null, LumaBlock, 0, 0);
        var colour = tape.Conv2d(centred, _chroma, null, ChromaBlock, 0, 0);
        PixelValues.Quantise(bright, luma, bright);
        PixelValues.Quantise(colour, chroma, colour);
        var y = tape.Add(tape.ConvTranspose2d(bright, _lumaBack, null, LumaBlock), tape.ConvTranspose2d(colour, _chromaBack, null, ChromaBlock));
        return tape.Clamp(tape.Offset(y, Level), 0, 1);
    }

    public void Dispose() => _arena.Dispose();

    /// <summary><c>[components·64, block, block, 3]</c>: coefficient (u, v) of a component, over the pixels of a block.</summary>
    private Tensor Filters(int block, int components, int first) => Upload(components, block, (component, u, v, i, j, colour) =>
        FromRgb[first + component, colour] * Cosine(u, i, block) * Cosine(v, j, block) / (block / 8 * (block / 8)));

    /// <summary>The same shape: what a coefficient adds to each pixel. Colours of half the resolution stand for 2x2 pixels.</summary>
    private Tensor FiltersBack(int block, int components, int first) => Upload(components, block, (component, u, v, i, j, colour) =>
        ToRgb[colour, first + component] * Cosine(u, i, block) * Cosine(v, j, block));

    private Tensor Upload(int components, int block, Func<int, int, int, int, int, int, double> value)
    {
        var shape = new Shape(components * 64, block, block, 3);
        if (_arena.Device.IsPlanning) return _arena.New(shape);
        var values = new float[shape.Count];
        for (int n = 0; n < values.Length; n++)
        {
            int colour = n % 3, j = n / 3 % block, i = n / 3 / block % block, coefficient = n / 3 / block / block;
            values[n] = (float)value(coefficient / 64, coefficient % 64 / 8, coefficient % 8, i, j, colour);
        }
        return _arena.From(values, shape);
    }

    /// <summary>Element (frequency, sample) of the orthonormal DCT of 8, where each sample is block/8 pixels.</summary>
    private static double Cosine(int frequency, int pixel, int block) =>
        (frequency == 0 ? double.Sqrt(1.0 / 8) : 0.5) * double.CosPi(((2 * (pixel / (block / 8))) + 1) * frequency / 16.0);
}
