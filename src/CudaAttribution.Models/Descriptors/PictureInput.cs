using CudaAttribution.Images;

namespace CudaAttribution.Models.Descriptors;

/// <summary>Pictures as the network takes them: each axis resized to its side, values in [0, 1] less the mean, over the deviation.</summary>
internal sealed class PictureInput
{
    private readonly int _side;
    private readonly float[][] _values;

    public PictureInput(SscdConfig config)
    {
        _side = config.ImageSize;
        _values = [.. config.ImageMean.Zip(config.ImageStd, (mean, deviation) =>
            (float[])[.. Enumerable.Range(0, 256).Select(v => (float)((v / 255.0 - mean) / deviation))])];
    }

    /// <summary>Numbers of one picture.</summary>
    public int Length => 3 * _side * _side;

    /// <summary>Writes a picture <c>[side,side,3]</c>.</summary>
    public void Write(RgbImage picture, Span<float> destination)
    {
        byte[] pixels = picture.Resize(_side, _side).Pixels;
        for (int i = 0; i < pixels.Length; i += 3)
        {
            for (int c = 0; c < 3; c++) destination[i + c] = _values[c][pixels[i + c]];
        }
    }
}
