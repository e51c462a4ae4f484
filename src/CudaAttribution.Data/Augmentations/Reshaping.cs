using CudaAttribution.Images;

namespace CudaAttribution.Data.Augmentations;

/// <summary>Changes of shape; every number is uniform in [0, 1).</summary>
internal static class Reshaping
{
    public static RgbImage Mirror(RgbImage image, bool apply)
    {
        if (!apply) return image;
        int width = image.Width;
        byte[] pixels = new byte[image.Pixels.Length];
        for (int i = 0; i < pixels.Length; i += 3)
        {
            int pixel = i / 3, x = pixel % width;
            image.Pixels.AsSpan(3 * (pixel - x + width - 1 - x), 3).CopyTo(pixels.AsSpan(i));
        }
        return new RgbImage(width, image.Height, pixels);
    }

    /// <summary>About the centre by up to 15 degrees either way, bilinear, the border repeated outwards.</summary>
    public static RgbImage Rotate(RgbImage image, bool apply, float angle)
    {
        const float HalfTangent = 0.1316525f; // of 7.5 degrees: sine and cosine follow by arithmetic
        if (!apply) return image;
        float t = ((2 * angle) - 1) * HalfTangent, cos = (1 - (t * t)) / (1 + (t * t)), sin = 2 * t / (1 + (t * t));
        int width = image.Width, height = image.Height;
        float cx = (width - 1) / 2f, cy = (height - 1) / 2f;
        byte[] pixels = new byte[image.Pixels.Length];
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                float dx = x - cx, dy = y - cy;
                float sx = Math.Clamp(cx + (cos * dx) + (sin * dy), 0, width - 1), sy = Math.Clamp(cy - (sin * dx) + (cos * dy), 0, height - 1);
                int x0 = (int)sx, y0 = (int)sy, x1 = Math.Min(x0 + 1, width - 1), y1 = Math.Min(y0 + 1, height - 1);
                float fx = sx - x0, fy = sy - y0;
                for (int c = 0; c < 3; c++)
                {
                    float top = ((1 - fx) * At(x0, y0, c)) + (fx * At(x1, y0, c)), bottom = ((1 - fx) * At(x0, y1, c)) + (fx * At(x1, y1, c));
                    pixels[(3 * ((y * width) + x)) + c] = Recolouring.Byte(((1 - fy) * top) + (fy * bottom));
                }
            }
        }
        return new RgbImage(width, height, pixels);

        float At(int x, int y, int c) => image.Pixels[(3 * ((y * width) + x)) + c];
    }

    /// <summary>A rectangle of at least a share of the area and of sides that differ by 4/3 at most, resized to the whole.</summary>
    public static RgbImage Crop(RgbImage image, double leastArea, float area, float ratio, float left, float top)
    {
        double share = leastArea + ((1 - leastArea) * area), stretch = Math.Sqrt(0.75 + (ratio * (4.0 / 3 - 0.75)));
        double side = Math.Sqrt(share);
        int width = Side(image.Width, side * stretch), height = Side(image.Height, side / stretch);
        int x = (int)(left * (image.Width - width + 1)), y = (int)(top * (image.Height - height + 1));
        return image.Crop(x, y, width, height).Resize(image.Width, image.Height);

        static int Side(int whole, double share) => Math.Clamp((int)Math.Round(whole * share), 1, whole);
    }

    /// <summary>One to three passes of (s, 1, s) / (1 + 2 s) along both axes, s below 1, the border repeated outwards.</summary>
    public static RgbImage Blur(RgbImage image, bool apply, float strength, float passes)
    {
        if (!apply) return image;
        int width = image.Width, height = image.Height;
        float[] now = [.. image.Pixels.Select(p => (float)p)], next = new float[now.Length];
        for (int pass = 0; pass <= (int)(passes * 3); pass++)
        {
            Along((x, y, by) => (y * width) + Math.Clamp(x + by, 0, width - 1));
            Along((x, y, by) => (Math.Clamp(y + by, 0, height - 1) * width) + x);
        }
        return new RgbImage(width, height, [.. now.Select(Recolouring.Byte)]);

        void Along(Func<int, int, int, int> neighbour)
        {
            for (int i = 0; i < now.Length; i++)
            {
                int pixel = i / 3, x = pixel % width, y = pixel / width, c = i % 3;
                float sides = now[(3 * neighbour(x, y, -1)) + c] + now[(3 * neighbour(x, y, 1)) + c];
                next[i] = (now[i] + (strength * sides)) / (1 + (2 * strength));
            }
            (now, next) = (next, now);
        }
    }
}
