using System.Buffers.Binary;

namespace CudaAttribution.Data;

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

    private static readonly (int X, int Y, int StepX, int StepY)[] Adam7 =
        [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];

    public int Channels => Colour switch
    {
        PngColour.Rgb => 3,
        PngColour.GreyAlpha => 2,
        PngColour.RgbAlpha => 4,
        _ => 1,
    };

    /// <summary>Bytes of all rows after decompression, each with the byte that names its filter.</summary>
    public long RawBytes => Interlaced ? Adam7.Sum(PassBytes) : PassBytes((0, 0, 1, 1));

    /// <param name="ihdr">The 13 bytes of the chunk.</param>
    /// <param name="maxPixels">See <see cref="IImageCodec.Decode"/>.</param>
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

    private long PassBytes((int X, int Y, int StepX, int StepY) pass)
    {
        long columns = (Width - pass.X + pass.StepX - 1) / pass.StepX, rows = (Height - pass.Y + pass.StepY - 1) / pass.StepY;
        return columns <= 0 || rows <= 0 ? 0 : rows * (1 + (columns * Channels * BitDepth + 7) / 8);
    }
}
