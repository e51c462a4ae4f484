namespace CudaAttribution.Data.Images;

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

/// <summary>Many pictures on one: a grid, row by row in the given order.</summary>
public static class ContactSheet
{
    /// <summary>
    /// Lays the pictures out in cells as large as the largest picture; smaller ones lie in the middle of their cell.
    /// </summary>
    /// <exception cref="ArgumentException">There is no picture.</exception>
    public static RgbImage Compose(IReadOnlyList<RgbImage> images, ContactSheetOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(images);
        if (images.Count == 0) throw new ArgumentException("A contact sheet needs at least one picture.", nameof(images));
        options ??= new ContactSheetOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Columns, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(options.Gap);
        int columns = Math.Min(options.Columns, images.Count), rows = (images.Count + columns - 1) / columns;
        int cellWidth = images.Max(i => i.Width) * options.Magnification, cellHeight = images.Max(i => i.Height) * options.Magnification;
        RgbImage sheet = RgbImage.Filled(
            checked(columns * (cellWidth + options.Gap) + options.Gap), checked(rows * (cellHeight + options.Gap) + options.Gap),
            options.Ground, options.Ground, options.Ground);
        for (int i = 0; i < images.Count; i++)
        {
            RgbImage image = options.Magnification == 1 ? images[i] : images[i].Magnify(options.Magnification);
            int x = options.Gap + i % columns * (cellWidth + options.Gap) + (cellWidth - image.Width) / 2;
            int y = options.Gap + i / columns * (cellHeight + options.Gap) + (cellHeight - image.Height) / 2;
            image.CopyInto(sheet, x, y);
        }
        return sheet;
    }
}
