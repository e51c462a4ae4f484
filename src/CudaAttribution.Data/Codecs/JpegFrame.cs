using System.Buffers.Binary;

namespace CudaAttribution.Data.Codecs;

/// <summary>One colour channel of a JPEG picture, measured in blocks of 8 x 8 samples.</summary>
/// <param name="Id">The number by which scans name it.</param>
/// <param name="Across">Its blocks in a coding unit, from left to right.</param>
/// <param name="Down">Its blocks in a coding unit, from top to bottom.</param>
/// <param name="Columns">Blocks that cover the picture.</param>
/// <param name="Rows">Blocks that cover the picture.</param>
/// <param name="Table">The number of its quantisation table.</param>
internal readonly record struct JpegChannel(byte Id, int Across, int Down, int Columns, int Rows, int Table);

/// <summary>The header of the picture (SOF0, SOF1 or SOF2).</summary>
internal sealed class JpegFrame
{
    private const int FixedLength = 6, PerChannel = 3, Block = 8;

    private JpegFrame(bool progressive, JpegChannel[] channels, int unitColumns, int unitRows)
    {
        (Progressive, Channels, UnitColumns, UnitRows) = (progressive, channels, unitColumns, unitRows);
    }

    public bool Progressive { get; }

    public IReadOnlyList<JpegChannel> Channels { get; }

    /// <summary>Coding units that cover the picture, as scans of several channels count them.</summary>
    public int UnitColumns { get; }

    public int UnitRows { get; }

    /// <summary>Blocks of a channel, those outside the picture included.</summary>
    public long CodedBlocks(int channel) => (long)UnitColumns * UnitRows * Channels[channel].Across * Channels[channel].Down;

    public static bool IsMarker(byte marker) => marker is >= 0xc0 and <= 0xcf and not (0xc4 or 0xc8 or 0xcc);

    /// <exception cref="ImageDecodeException">Too large, damaged, or of a kind that is not read.</exception>
    public static JpegFrame Read(byte marker, ReadOnlySpan<byte> segment, long maxPixels)
    {
        if (segment.Length < FixedLength || segment.Length != FixedLength + PerChannel * segment[5])
            throw FileProblem.Damaged("JPEG: the header has the wrong length");
        if (segment[5] == 4)
            throw FileProblem.NotSupported("JPEG: the picture is CMYK, which has no defined conversion here; save it as RGB");
        if (segment[5] is not (1 or 3)) throw FileProblem.Damaged($"JPEG: the picture has {segment[5]} channels");
        int width = BinaryPrimitives.ReadUInt16BigEndian(segment[3..]), height = BinaryPrimitives.ReadUInt16BigEndian(segment[1..]);
        FileProblem.CheckSize(width, height, maxPixels);
        if (marker is not (0xc0 or 0xc1 or 0xc2) || segment[0] != 8)
        {
            throw FileProblem.NotSupported(
                "JPEG: the picture is lossless, hierarchical, coded arithmetically or has more than 8 bits; save it as a common JPEG or as PNG");
        }
        var stated = new (byte Id, int Across, int Down, int Table)[segment[5]];
        for (int i = 0; i < stated.Length; i++)
        {
            ReadOnlySpan<byte> channel = segment[(FixedLength + PerChannel * i)..];
            stated[i] = (channel[0], channel[1] >> 4, channel[1] & 15, channel[2]);
        }
        return Measure(marker == 0xc2, width, height, stated);
    }

    /// <summary>The content of the segment for ImageSharp: the factors of a grey picture, which mean nothing, are 1, as it assumes.</summary>
    public static byte[] Normal(ReadOnlySpan<byte> segment)
    {
        byte[] normal = segment.ToArray();
        if (normal[5] == 1) normal[FixedLength + 1] = 0x11;
        return normal;
    }

    private static JpegFrame Measure(bool progressive, int width, int height, (byte Id, int Across, int Down, int Table)[] stated)
    {
        if (stated.Any(c => c.Across is < 1 or > 4 || c.Down is < 1 or > 4 || c.Table > 3) || stated.DistinctBy(c => c.Id).Count() != stated.Length)
            throw FileProblem.Damaged("JPEG: the header describes a channel wrongly");
        if (stated.Length == 1) (stated[0].Across, stated[0].Down) = (1, 1);
        int across = stated.Max(c => c.Across), down = stated.Max(c => c.Down);
        if (stated.Any(c => across % c.Across != 0 || down % c.Down != 0) || stated.Sum(c => c.Across * c.Down) > 10)
            throw FileProblem.NotSupported("JPEG: the channels have sizes that hardly a program writes; save the picture as a common JPEG or as PNG");
        JpegChannel[] channels =
        [
            .. stated.Select(c => new JpegChannel(
                c.Id,
                c.Across,
                c.Down,
                Ceiling(Ceiling(width * c.Across, across), Block),
                Ceiling(Ceiling(height * c.Down, down), Block),
                c.Table)),
        ];
        return new JpegFrame(progressive, channels, Ceiling(width, Block * across), Ceiling(height, Block * down));
    }

    private static int Ceiling(int a, int b) => (a + b - 1) / b;
}
