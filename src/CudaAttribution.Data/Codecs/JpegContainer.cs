using System.Buffers.Binary;
using CudaAttribution.Images;
using SixLabors.ImageSharp.Formats.Jpeg;

namespace CudaAttribution.Data.Codecs;

/// <summary>
/// A JPEG file, read from the start to the end of the picture and reduced to what makes the pixels: ImageSharp fills what a damaged file lacks, reads any
/// number of scans, and takes profiles and thumbnails apart.
/// </summary>
internal sealed class JpegContainer
{
    /// <summary>
    /// What a decoder's time is proportional to, beside the file's length, for a scan may pass over thousands of blocks with a few bits. The largest
    /// picture has 1.5 Mi blocks with halved chroma, 3 Mi without, and common progressive ones code each six times or less.
    /// </summary>
    private const long MostBlocks = 1L << 25;

    private const byte
        Start = 0xd8, EndOfImage = 0xd9, StartOfScan = 0xda, Quantisation = 0xdb, RestartInterval = 0xdd, Codes = 0xc4, Jfif = 0xe0, Adobe = 0xee;

    private const int Coefficients = 64, Unseen = -1;

    private readonly MemoryStream picture = new();
    private readonly JpegCode?[,] codes = new JpegCode?[2, 4];
    private readonly bool[] tables = new bool[4];
    private readonly long maxPixels;
    private JpegFrame? frame;
    private int interval;
    private bool jfif;
    private byte? transform;
    private long blocks;

    // Per channel and coefficient the lowest bit that scans have given, and per block the coefficients that are not zero.
    private int[][] lowest = [];
    private ulong[]?[] known = [];

    private JpegContainer(long maxPixels) => this.maxPixels = maxPixels;

    public static ReadOnlySpan<byte> Signature => [0xff, Start, 0xff];

    /// <exception cref="ImageDecodeException">Too large, truncated, damaged, or of a kind that is not read.</exception>
    public static JpegContainer Read(ReadOnlySpan<byte> file, long maxPixels)
    {
        var jpeg = new JpegContainer(maxPixels);
        for (int at = 2; ;)
        {
            byte marker = Marker(file, ref at);
            if (marker == EndOfImage)
            {
                jpeg.CheckComplete();
                return jpeg;
            }
            ReadOnlySpan<byte> segment = Segment(file, ref at);
            if (marker == StartOfScan) jpeg.TakeScan(segment, file, ref at);
            else jpeg.Take(marker, segment);
        }
    }

    public RgbaImage Decode()
    {
        var file = new MemoryStream();
        file.Write([0xff, Start]);
        if (frame!.Channels.Count == 3) Write(file, Adobe, [.. "Adobe"u8, 0, 100, 0, 0, 0, 0, (byte)(IsRgb ? 0 : 1)]);
        picture.WriteTo(file);
        file.Write([0xff, EndOfImage]);
        return PixelReader.Read(new JpegDecoder { IgnoreMetadata = true }, file.ToArray());
    }

    /// <summary>As libjpeg decides it. ImageSharp would decide otherwise where a file has both marks.</summary>
    private bool IsRgb => !jfif && (transform is { } stated ? stated == 0 : frame!.Channels.Select(c => c.Id).SequenceEqual("RGB"u8.ToArray()));

    private static byte Marker(ReadOnlySpan<byte> file, ref int at)
    {
        int start = at;
        while (at < file.Length && file[at] == 0xff) at++;
        if (at >= file.Length) throw EndsTooEarly();
        // 0 and the restart markers belong into coded data, 1 and the start of a picture nowhere.
        if (at == start || file[at] is 0 or 1 or (>= 0xd0 and <= Start))
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

    private static void Write(MemoryStream file, byte marker, ReadOnlySpan<byte> content)
    {
        Span<byte> head = [0xff, marker, 0, 0];
        BinaryPrimitives.WriteUInt16BigEndian(head[2..], (ushort)(content.Length + 2));
        file.Write(head);
        file.Write(content);
    }

    private void Take(byte marker, ReadOnlySpan<byte> segment)
    {
        if (JpegFrame.IsMarker(marker)) TakeFrame(marker, segment);
        else if (marker == Codes) TakeCodes(segment);
        else if (marker == RestartInterval) TakeInterval(segment);
        else if (marker == Quantisation) TakeTables(segment);
        else if (marker == Jfif) jfif |= segment.StartsWith("JFIF\0"u8);
        else if (marker == Adobe && segment.Length >= 12 && segment.StartsWith("Adobe"u8)) transform = segment[11];
    }

    private void TakeFrame(byte marker, ReadOnlySpan<byte> segment)
    {
        if (frame is not null) throw FileProblem.Damaged("JPEG: the file has two headers");
        frame = JpegFrame.Read(marker, segment, maxPixels);
        Write(picture, marker, JpegFrame.Normal(segment));
        lowest = [.. frame.Channels.Select(_ => Enumerable.Repeat(Unseen, Coefficients).ToArray())];
        known = new ulong[]?[lowest.Length];
    }

    private void TakeTables(ReadOnlySpan<byte> segment)
    {
        Write(picture, Quantisation, segment);
        while (!segment.IsEmpty)
        {
            int length = 1 + Coefficients * (1 + (segment[0] >> 4));
            if (segment[0] >> 4 > 1 || (segment[0] & 15) > 3 || segment.Length < length)
                throw FileProblem.Damaged("JPEG: a quantisation table is wrong");
            tables[segment[0] & 15] = true;
            segment = segment[length..];
        }
    }

    private void TakeCodes(ReadOnlySpan<byte> segment)
    {
        Write(picture, Codes, segment);
        while (!segment.IsEmpty)
        {
            const int head = 17;
            int symbols = 0;
            for (int i = 1; i < head && i < segment.Length; i++) symbols += segment[i];
            if (segment.Length < head + symbols || symbols > 256 || segment[0] >> 4 > 1 || (segment[0] & 15) > 3)
                throw FileProblem.Damaged("JPEG: a table of codes is wrong");
            codes[segment[0] >> 4, segment[0] & 15] = new JpegCode(segment[1..head], segment.Slice(head, symbols));
            segment = segment[(head + symbols)..];
        }
    }

    private void TakeInterval(ReadOnlySpan<byte> segment)
    {
        if (segment.Length != 2) throw FileProblem.Damaged("JPEG: the restart interval is wrong");
        interval = BinaryPrimitives.ReadUInt16BigEndian(segment);
    }

    private void TakeScan(ReadOnlySpan<byte> segment, ReadOnlySpan<byte> file, ref int at)
    {
        JpegScan scan = Scan(segment);
        blocks += scan.Blocks;
        if (blocks > MostBlocks) throw FileProblem.Damaged($"JPEG: the scans code more than {MostBlocks} blocks; save the picture with fewer scans");
        int start = at;
        for (int unit = 0, restarts = 0; ; restarts++)
        {
            ReadOnlySpan<byte> coded = CodedData(file, ref at);
            int end = interval == 0 ? scan.Units : (int)Math.Min(scan.Units, unit + (long)interval);
            scan.Read(coded, unit, end);
            unit = end;
            if (unit == scan.Units) break;
            if (file[at + 1] != 0xd0 + restarts % 8) throw FileProblem.Damaged("JPEG: the coded data end too early");
            at += 2;
        }
        // Before every scan: ImageSharp counts a new scan's units on from the last one's remainder.
        Write(picture, RestartInterval, [(byte)(interval >> 8), (byte)interval]);
        Write(picture, StartOfScan, segment);
        picture.Write(file[start..at]);
    }

    private JpegScan Scan(ReadOnlySpan<byte> segment)
    {
        if (frame is null) throw FileProblem.Damaged("JPEG: the picture comes before its header");
        int count = segment.IsEmpty ? 0 : segment[0];
        if (count == 0 || count > frame.Channels.Count || segment.Length != 4 + 2 * count) throw WrongScan();
        var parts = new (int Channel, JpegCode? Dc, JpegCode? Ac)[count];
        for (int i = 0; i < count; i++)
        {
            byte id = segment[1 + 2 * i], named = segment[2 + 2 * i];
            int channel = frame.Channels.TakeWhile(c => c.Id != id).Count();
            if (channel == frame.Channels.Count || named >> 4 > 3 || (named & 15) > 3 || parts[..i].Any(p => p.Channel == channel)) throw WrongScan();
            if (!tables[frame.Channels[channel].Table]) throw FileProblem.Damaged("JPEG: a quantisation table is missing");
            parts[i] = (channel, codes[0, named >> 4], codes[1, named & 15]);
        }
        if (!frame.Progressive && count > 1 && count < frame.Channels.Count)
            throw FileProblem.NotSupported("JPEG: two of three channels are coded together; save the picture as a common JPEG or as PNG");
        ReadOnlySpan<byte> range = segment[^3..];
        int from = range[0], to = range[1], before = range[2] >> 4, low = range[2] & 15;
        CheckRange(parts, from, to, before, low);
        return new JpegScan(frame, parts, known, from, to, before > 0);
    }

    /// <summary>A coefficient is coded once from its highest bit on, and then bit by bit; the first one before all others.</summary>
    private void CheckRange((int Channel, JpegCode? Dc, JpegCode? Ac)[] parts, int from, int to, int before, int low)
    {
        bool sound = frame!.Progressive
            ? to < Coefficients && from <= to && (from == 0 ? to == 0 : parts.Length == 1) && low <= 13 && (before == 0 || before == low + 1)
            : from == 0 && to == Coefficients - 1 && before == 0 && low == 0;
        if (!sound) throw WrongScan();
        foreach (var (channel, _, _) in parts)
        {
            if (from > 0 && lowest[channel][0] == Unseen) throw WrongScan();
            if (frame.Progressive) known[channel] ??= new ulong[frame.CodedBlocks(channel)];
            foreach (ref int bit in lowest[channel].AsSpan(from..(to + 1)))
            {
                if (bit != (before == 0 ? Unseen : before)) throw WrongScan();
                bit = low;
            }
        }
    }

    private void CheckComplete()
    {
        if (frame is null || lowest.All(c => c[0] == Unseen)) throw FileProblem.Damaged("JPEG: the file has no picture");
        if (lowest.Any(c => c[0] == Unseen)) throw FileProblem.Damaged("JPEG: a colour channel is missing");
    }

    /// <summary>Up to the next marker, to which <paramref name="at"/> is set; 0xff00 is a byte of the data.</summary>
    private static ReadOnlySpan<byte> CodedData(ReadOnlySpan<byte> file, ref int at)
    {
        for (int start = at; ; at += 2)
        {
            int next = file[at..].IndexOf((byte)0xff);
            if (next < 0 || at + next + 1 >= file.Length) throw EndsTooEarly();
            at += next;
            if (file[at + 1] != 0) return file[start..at];
        }
    }

    private static ImageDecodeException EndsTooEarly() => FileProblem.Damaged("JPEG: the file ends too early");

    private static ImageDecodeException WrongScan() => FileProblem.Damaged("JPEG: the header of a scan is wrong");
}
