using CudaAttribution.Images;

namespace CudaAttribution.Data.Augmentations;

/// <summary>Changes of colours; every number is uniform in [0, 1).</summary>
internal static class Recolouring
{
    /// <summary>White that reaches the border by white neighbours becomes one colour.</summary>
    public static RgbImage Background(RgbImage image, bool apply, float red, float green, float blue)
    {
        if (!apply) return image;
        int width = image.Width, height = image.Height;
        byte[] pixels = [.. image.Pixels];
        var open = new Stack<int>();
        var seen = new bool[width * height];
        for (int x = 0; x < width; x++)
        {
            Visit(x);
            Visit(((height - 1) * width) + x);
        }
        for (int y = 0; y < height; y++)
        {
            Visit(y * width);
            Visit((y * width) + width - 1);
        }
        while (open.TryPop(out int at))
        {
            (pixels[3 * at], pixels[(3 * at) + 1], pixels[(3 * at) + 2]) = (Level(red), Level(green), Level(blue));
            int x = at % width;
            if (x > 0) Visit(at - 1);
            if (x < width - 1) Visit(at + 1);
            if (at >= width) Visit(at - width);
            if (at < width * (height - 1)) Visit(at + width);
        }
        return new RgbImage(width, height, pixels);

        void Visit(int at)
        {
            if (seen[at] || image.Pixels[3 * at] != 255 || image.Pixels[(3 * at) + 1] != 255 || image.Pixels[(3 * at) + 2] != 255) return;
            seen[at] = true;
            open.Push(at);
        }

        static byte Level(float value) => (byte)(value * 256);
    }

    /// <summary>
    /// Brightness and contrast times 0.6 to 1.4, saturation likewise, hue turned by up to a tenth of the way from one primary colour to the next.
    /// </summary>
    public static RgbImage Jitter(RgbImage image, bool apply, float brightness, float contrast, float saturation, float hue)
    {
        if (!apply) return image;
        float light = Factor(brightness), spread = Factor(contrast), colour = Factor(saturation), turn = ((2 * hue) - 1) * 0.3f;
        byte[] from = image.Pixels, to = new byte[from.Length];
        double grey = 0;
        for (int i = 0; i < from.Length; i += 3) grey += Grey(from[i], from[i + 1], from[i + 2]);
        float mean = (float)(grey / (from.Length / 3)) * light;
        for (int i = 0; i < from.Length; i += 3)
        {
            float r = Toned(from[i]), g = Toned(from[i + 1]), b = Toned(from[i + 2]);
            float level = Grey(r, g, b);
            (r, g, b) = (level + ((r - level) * colour), level + ((g - level) * colour), level + ((b - level) * colour));
            // A turn mixes each channel with the next one in the circle: to the left or to the right.
            float t = Math.Abs(turn), keep = 1 - t;
            (r, g, b) = turn >= 0
                ? ((keep * r) + (t * g), (keep * g) + (t * b), (keep * b) + (t * r))
                : ((keep * r) + (t * b), (keep * g) + (t * r), (keep * b) + (t * g));
            (to[i], to[i + 1], to[i + 2]) = (Byte(r), Byte(g), Byte(b));
        }
        return new RgbImage(image.Width, image.Height, to);

        float Toned(byte value) => mean + (((value * light) - mean) * spread);

        static float Factor(float value) => 0.6f + (0.8f * value);

        static float Grey(float r, float g, float b) => (0.299f * r) + (0.587f * g) + (0.114f * b);
    }

    /// <summary>The nearest byte.</summary>
    public static byte Byte(float value) => (byte)Math.Clamp(value + 0.5f, 0, 255);
}
