using System.Buffers.Binary;

namespace CudaAttribution.Data.Codecs.ImageSharp;

/// <summary>
/// The segments of a JPEG file, walked from the start to the end of the picture: ImageSharp fills what a cut file lacks, and reads any
/// number of scans.
/// </summary>
internal sealed class JpegContainer
{
    /// <summary>The limit of libjpeg-turbo's TJFLAG_LIMITSCANS: a small file of many scans can keep a decoder busy for hours.</summary>
    private const int MaxScans = 500;

    private const byte StartOfScan = 0xda, EndOfImage = 0xd9;

    /// <summary>The offset of each marker before which coded data end, restart markers included.</summary>
    private readonly List<int> dataEnds = [];
    private byte[] picture = [];

    public static ReadOnlySpan<byte> Signature => [0xff, 0xd8, 0xff];

    /// <exception cref="ImageDecodeException">Too large, truncated, damaged, or of a kind that is not read.</exception>
    public static JpegContainer Read(ReadOnlySpan<byte> file, long maxPixels)
    {
        var jpeg = new JpegContainer();
        int scans = 0;
        bool frame = false;
        for (int at = 2; ;)
        {
            byte marker = Marker(file, ref at);
            if (marker == EndOfImage)
            {
                if (scans == 0) throw FileProblem.Damaged("JPEG: the file has no picture");
                jpeg.picture = file[..at].ToArray();
                return jpeg;
            }
            ReadOnlySpan<byte> segment = Segment(file, ref at);
            if (IsFrame(marker))
            {
                if (frame) throw FileProblem.Damaged("JPEG: the file has two headers");
                CheckFrame(marker, segment, maxPixels);
                frame = true;
            }
            if (marker != StartOfScan) continue;
            if (!frame) throw FileProblem.Damaged("JPEG: the picture comes before its header");
            if (++scans > MaxScans) throw FileProblem.Damaged($"JPEG: the file has more than {MaxScans} scans");
            jpeg.SkipCodedData(file, ref at);
        }
    }

    /// <summary>The file up to the end of its picture, with <paramref name="filler"/> behind each run of coded data.</summary>
    public byte[] ToBytes(ReadOnlySpan<byte> filler)
    {
        var file = new MemoryStream(picture.Length + filler.Length * dataEnds.Count);
        int from = 0;
        foreach (int end in dataEnds)
        {
            file.Write(picture.AsSpan(from, end - from));
            file.Write(filler);
            from = end;
        }
        file.Write(picture.AsSpan(from));
        return file.ToArray();
    }

    private static byte Marker(ReadOnlySpan<byte> file, ref int at)
    {
        int start = at;
        while (at < file.Length && file[at] == 0xff) at++;
        if (at >= file.Length) throw EndsTooEarly();
        // 0 and the restart markers belong into coded data, 1 and the start of a picture nowhere.
        if (at == start || file[at] is 0 or 1 or (>= 0xd0 and <= 0xd8))
            throw FileProblem.Damaged("JPEG: a segment does not start where the one before ends");
        return file[at++];
    }

    private static ReadOnlySpan<byte> Segment(ReadOnlySpan<byte> file, ref int at)
    {
        if (file.Length - at < 2) throw EndsTooEarly();
        int length = BinaryPrimitives.ReadUInt16BigEndian(file[at..]);
        if (length < 2) throw FileProblem.Damaged("JPEG: a segment has no length");
        if (length > file.Length - at) throw EndsTooEarly();
        ReadOnlySpan<byte> segment = file.Slice(at + 2, length - 2);
        at += length;
        return segment;
    }

    private static bool IsFrame(byte marker) => marker is >= 0xc0 and <= 0xcf and not (0xc4 or 0xc8 or 0xcc);

    private static void CheckFrame(byte marker, ReadOnlySpan<byte> segment, long maxPixels)
    {
        const int fixedLength = 6;
        if (segment.Length < fixedLength || segment.Length != fixedLength + 3 * segment[5])
            throw FileProblem.Damaged("JPEG: the header has the wrong length");
        if (segment[5] == 4)
            throw FileProblem.NotSupported("JPEG: the picture is CMYK, which has no defined conversion here; save it as RGB");
        if (segment[5] is not (1 or 3)) throw FileProblem.Damaged($"JPEG: the picture has {segment[5]} channels");
        FileProblem.CheckSize(BinaryPrimitives.ReadUInt16BigEndian(segment[3..]), BinaryPrimitives.ReadUInt16BigEndian(segment[1..]), maxPixels);
        // Of the rest ImageSharp reads only arithmetic coding, and that with wrong pixels in small pictures.
        if (marker is not (0xc0 or 0xc1 or 0xc2) || segment[0] != 8)
        {
            throw FileProblem.NotSupported(
                "JPEG: the picture is lossless, hierarchical, coded arithmetically or has more than 8 bits; save it as a common JPEG or as PNG");
        }
    }

    /// <summary>Sets <paramref name="at"/> to the first marker after coded data; 0xff00 and restart markers belong to the data.</summary>
    private void SkipCodedData(ReadOnlySpan<byte> file, ref int at)
    {
        for (; ; at += 2)
        {
            int next = file[at..].IndexOf((byte)0xff);
            if (next < 0 || at + next + 1 >= file.Length) throw EndsTooEarly();
            at += next;
            if (file[at + 1] == 0) continue;
            dataEnds.Add(at);
            if (file[at + 1] is not (>= 0xd0 and <= 0xd7)) return;
        }
    }

    private static ImageDecodeException EndsTooEarly() => FileProblem.Damaged("JPEG: the file ends too early");
}
