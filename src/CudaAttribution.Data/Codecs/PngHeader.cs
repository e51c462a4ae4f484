using System.Buffers.Binary;

namespace CudaAttribution.Data.Codecs;

internal enum PngColour
{
    Grey = 0,
    Rgb = 2,
    Palette = 3,
    GreyAlpha = 4,
    RgbAlpha = 6,
}

/// <summary>The IHDR chunk.</summary>
internal readonly record struct PngHeader(int Width, int Height, int BitDepth, PngColour Colour, bool Interlaced)
{
    public const int Length = 13;

    private static readonly (int X, int Y, int StepX, int StepY)[]
        Whole = [(0, 0, 1, 1)],
        Adam7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];

    public int Channels => Colour switch
    {
        PngColour.Rgb => 3,
        PngColour.GreyAlpha => 2,
        PngColour.RgbAlpha => 4,
        _ => 1,
    };

    /// <summary>The pictures of which the picture is made in turn: itself, or up to seven smaller ones.</summary>
    public IEnumerable<PngPass> Passes => (Interlaced ? Adam7 : Whole).Select(Pass).Where(pass => pass.Columns > 0 && pass.Rows > 0);

    /// <param name="ihdr">The 13 bytes of the chunk.</param>
    /// <param name="maxPixels">See <see cref="ImageCodecs.Decode"/>.</param>
    /// <exception cref="ImageDecodeException">Too large, or a combination that the format does not have.</exception>
    public static PngHeader Read(ReadOnlySpan<byte> ihdr, long maxPixels)
    {
        uint width = BinaryPrimitives.ReadUInt32BigEndian(ihdr), height = BinaryPrimitives.ReadUInt32BigEndian(ihdr[4..]);
        FileProblem.CheckSize(width, height, maxPixels);
        var header = new PngHeader((int)width, (int)height, ihdr[8], (PngColour)ihdr[9], ihdr[12] == 1);
        bool known = header.Colour switch
        {
            PngColour.Grey => header.BitDepth is 1 or 2 or 4 or 8 or 16,
            PngColour.Palette => header.BitDepth is 1 or 2 or 4 or 8,
            PngColour.Rgb or PngColour.GreyAlpha or PngColour.RgbAlpha => header.BitDepth is 8 or 16,
            _ => false,
        };
        if (!known || ihdr[10] != 0 || ihdr[11] != 0 || ihdr[12] > 1)
            throw FileProblem.Damaged("PNG: the header states a kind of picture that the format does not have");
        return header;
    }

    private PngPass Pass((int X, int Y, int StepX, int StepY) grid)
    {
        long columns = ((long)Width - grid.X + grid.StepX - 1) / grid.StepX, rows = ((long)Height - grid.Y + grid.StepY - 1) / grid.StepY;
        return new PngPass(grid.X, grid.Y, grid.StepX, grid.StepY, (int)columns, (int)rows, rows * (1 + (columns * Channels * BitDepth + 7) / 8));
    }
}

/// <summary>Where the pixels of a pass lie in the picture, and how long it is.</summary>
/// <param name="X">First column.</param>
/// <param name="Y">First row.</param>
/// <param name="StepX">From one column to the next.</param>
/// <param name="StepY">From one row to the next.</param>
/// <param name="Columns">Pixels of a row.</param>
/// <param name="Rows">Rows.</param>
/// <param name="Bytes">Of all rows after decompression, each with the byte that names its filter.</param>
internal readonly record struct PngPass(int X, int Y, int StepX, int StepY, int Columns, int Rows, long Bytes);
