namespace CudaAttribution.Data.Tests.Support;

/// <summary>Changes to JPEG files.</summary>
internal static class JpegFile
{
    private static readonly byte[] EndOfImage = [0xff, 0xd9];

    /// <summary>The file with a segment put in behind its first marker.</summary>
    public static byte[] With(byte[] file, byte marker, params byte[] content) =>
        [.. file[..2], 0xff, marker, (byte)((content.Length + 2) >> 8), (byte)(content.Length + 2), .. content, .. file[2..]];

    /// <summary>The file whose last scan lacks its last bytes, although the end of the picture is stated.</summary>
    public static byte[] Shortened(byte[] file, int bytes) => [.. file[..^(bytes + EndOfImage.Length)], .. EndOfImage];

    /// <summary>The file, cut before each marker but those within coded data.</summary>
    public static List<byte[]> Parts(byte[] file)
    {
        var parts = new List<byte[]>();
        int start = 0;
        for (int at = 2; at < file.Length - 1;)
        {
            bool marker = file[at] == 0xff && file[at + 1] is >= 0xc0 and not (>= 0xd0 and <= 0xd7);
            if (!marker)
            {
                at++;
                continue;
            }
            parts.Add(file[start..at]);
            start = at;
            at += file[at + 1] == 0xd9 ? 2 : 2 + (file[at + 2] << 8 | file[at + 3]);
        }
        parts.Add(file[start..]);
        return parts;
    }

    /// <summary>Where the content of the first segment of this kind begins.</summary>
    public static int IndexOf(byte[] file, byte marker)
    {
        int at = file.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xff, marker]);
        return at < 0 ? throw new ArgumentException($"no segment {marker:x2}") : at + 4;
    }

    /// <summary>Where the content of the frame header begins: baseline or progressive.</summary>
    public static int Frame(byte[] file) => IndexOf(file, file.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xff, 0xc0]) >= 0 ? (byte)0xc0 : (byte)0xc2);
}
