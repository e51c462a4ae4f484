namespace CudaAttribution.Images;

/// <summary>How a <see cref="ContactSheet"/> is laid out.</summary>
public sealed record ContactSheetOptions
{
    /// <summary>Pictures in a row.</summary>
    public int Columns { get; init; } = 10;

    /// <summary>Pixels between cells and around the sheet, after magnification.</summary>
    public int Gap { get; init; } = 2;

    /// <summary>Each pixel is shown as a square of this many pixels.</summary>
    public int Magnification { get; init; } = 1;

    /// <summary>Grey level of the ground.</summary>
    public byte Ground { get; init; } = 225;
}

/// <summary>Many pictures on one: a grid, row by row in the given order, of as many as a picture has room for.</summary>
public static class ContactSheet
{
    /// <summary>Most pixels of a sheet: more are not read (<c>ImageCodecs.MostPixels</c>).</summary>
    public const long MostPixels = 1L << 26;

    /// <summary>
    /// Lays the pictures out in cells as large as the largest picture; smaller ones lie in the middle of their cell. Where they are too many, the
    /// first ones (<see cref="Room"/>) are on the sheet.
    /// </summary>
    /// <exception cref="ArgumentException">There is no picture.</exception>
    public static RgbImage Compose(IReadOnlyList<IPicture> images, ContactSheetOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(images);
        if (images.Count == 0) throw new ArgumentException("A contact sheet needs at least one picture.", nameof(images));
        options ??= new ContactSheetOptions();
        int width = images.Max(i => i.Width), height = images.Max(i => i.Height), count = Math.Min(images.Count, Room(width, height, options));
        int columns = Math.Min(options.Columns, count), rows = (count + columns - 1) / columns;
        int cellWidth = width * options.Magnification, cellHeight = height * options.Magnification;
        RgbImage sheet = RgbImage.Filled(
            checked(columns * (cellWidth + options.Gap) + options.Gap), checked(rows * (cellHeight + options.Gap) + options.Gap),
            options.Ground, options.Ground, options.Ground);
        for (int i = 0; i < count; i++)
        {
            RgbImage image = images[i].Read().Magnify(options.Magnification);
            int x = options.Gap + i % columns * (cellWidth + options.Gap) + (cellWidth - image.Width) / 2;
            int y = options.Gap + i / columns * (cellHeight + options.Gap) + (cellHeight - image.Height) / 2;
            image.CopyInto(sheet, x, y);
        }
        return sheet;
    }

    /// <summary>How many pictures of at most this size a sheet has room for: whole rows, or a part of the first; one at least.</summary>
    public static int Room(int width, int height, ContactSheetOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Columns, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(options.Gap);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Magnification, 1);
        long cellWidth = (long)width * options.Magnification + options.Gap, cellHeight = (long)height * options.Magnification + options.Gap;
        long wide = MostPixels / (options.Gap + cellHeight) - options.Gap;
        long columns = Math.Clamp(wide / cellWidth, 1, options.Columns);
        if (columns < options.Columns) return (int)columns;
        long high = MostPixels / (options.Gap + columns * cellWidth) - options.Gap;
        return (int)Math.Min(int.MaxValue, Math.Max(1, high / cellHeight) * columns);
    }
}
