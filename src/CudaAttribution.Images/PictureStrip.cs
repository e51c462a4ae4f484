namespace CudaAttribution.Images;

/// <summary>Pictures of one size side by side in one, so that a set of them is one file.</summary>
public static class PictureStrip
{
    /// <summary>Puts them side by side, the first leftmost.</summary>
    /// <exception cref="ArgumentException">There is none, or they differ in size.</exception>
    public static RgbImage Join(IReadOnlyList<RgbImage> pictures)
    {
        if (pictures.Count == 0 || pictures.Any(p => (p.Width, p.Height) != (pictures[0].Width, pictures[0].Height)))
            throw new ArgumentException("a strip has at least one picture, and all of one size", nameof(pictures));
        int width = pictures[0].Width, height = pictures[0].Height;
        var strip = new RgbImage(checked(width * pictures.Count), height, new byte[checked(3 * width * pictures.Count * height)]);
        for (int k = 0; k < pictures.Count; k++) pictures[k].CopyInto(strip, k * width, 0);
        return strip;
    }

    /// <summary>The pictures of a strip.</summary>
    /// <exception cref="ArgumentException">It cannot be cut into so many.</exception>
    public static RgbImage[] Cut(RgbImage strip, int count)
    {
        if (count < 1 || strip.Width % count != 0)
            throw new ArgumentException($"a strip of {strip.Width} pixels cannot be cut into {count} pictures", nameof(count));
        int width = strip.Width / count;
        return [.. Enumerable.Range(0, count).Select(k => strip.Crop(k * width, 0, width, strip.Height))];
    }
}
