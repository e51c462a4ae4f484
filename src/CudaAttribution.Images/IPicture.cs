namespace CudaAttribution.Images;

/// <summary>A picture whose pixels are in memory or are read when they are asked for: its size is known, and its pixels are the same every time.</summary>
public interface IPicture
{
    /// <summary>Pixels in a row.</summary>
    int Width { get; }

    /// <summary>Rows.</summary>
    int Height { get; }

    /// <summary>
    /// The pixels; may be called from several threads at once. Where they cannot be read any more, or are others than before, the source's own exception
    /// is thrown.
    /// </summary>
    RgbImage Read();
}

/// <summary>Pictures of any source.</summary>
public static class PictureSources
{
    /// <summary>The picture as a square, as <see cref="ImageResize.ToSquare(RgbImage, int, ResizeMode)"/> makes it, each time it is read.</summary>
    public static IPicture ToSquare(this IPicture picture, int size, ResizeMode mode) =>
        picture.Width == size && picture.Height == size ? picture : new Square(picture, size, mode);

    /// <summary>
    /// The pixels of pictures in their order, read ahead by several threads: at most as many are in memory as there are processors, the one in use
    /// included. It throws as <see cref="IPicture.Read"/>, for the first picture that it is thrown for.
    /// </summary>
    public static IEnumerable<RgbImage> ReadAhead(this IEnumerable<IPicture> pictures)
    {
        var ahead = new Queue<Task<RgbImage>>();
        foreach (var picture in pictures)
        {
            if (ahead.Count == Environment.ProcessorCount) yield return ahead.Dequeue().GetAwaiter().GetResult();
            ahead.Enqueue(Task.Run(picture.Read));
        }
        while (ahead.TryDequeue(out var next)) yield return next.GetAwaiter().GetResult();
    }

    private sealed class Square(IPicture picture, int size, ResizeMode mode) : IPicture
    {
        public int Width => size;

        public int Height => size;

        public RgbImage Read() => picture.Read().ToSquare(size, mode);
    }
}
