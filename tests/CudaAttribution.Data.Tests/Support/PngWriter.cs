using System.Buffers.Binary;
using System.IO.Compression;

namespace CudaAttribution.Data.Tests.Support;

/// <summary>
/// Writes PNG files of every colour type and bit depth straight from the specification (W3C PNG, third edition), sharing nothing with the
/// code under test. Samples are given as [row, column, channel].
/// </summary>
internal static class PngWriter
{
    public const int Grey = 0, Rgb = 2, Palette = 3, GreyAlpha = 4, RgbAlpha = 6;

    private static readonly (int X, int Y, int StepX, int StepY)[] Adam7 =
        [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];

    public static byte[] Write(
        int[,,] samples, int colourType, int bitDepth, byte[]? palette = null, byte[]? transparency = null, bool interlaced = false)
    {
        int height = samples.GetLength(0), width = samples.GetLength(1);
        var data = new MemoryStream();
        if (!interlaced) WriteRows(data, samples, bitDepth, (0, 0, 1, 1));
        else foreach ((int, int, int, int) pass in Adam7) WriteRows(data, samples, bitDepth, pass);

        byte[] compressed = Deflate(data.ToArray());
        List<(string, byte[])> chunks = [("IHDR", Header(width, height, bitDepth, colourType, interlaced))];
        if (palette is not null) chunks.Add(("PLTE", palette));
        if (transparency is not null) chunks.Add(("tRNS", transparency));
        chunks.Add(("IDAT", compressed[..(compressed.Length / 2)]));
        chunks.Add(("IDAT", compressed[(compressed.Length / 2)..]));
        return FromChunks([.. chunks, ("IEND", [])]);
    }

    /// <summary>A file of any chunks, sound or not, with their checksums.</summary>
    public static byte[] FromChunks(params (string Name, byte[] Content)[] chunks)
    {
        var file = new MemoryStream();
        file.Write([0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10]);
        foreach ((string name, byte[] content) in chunks) WriteChunk(file, name, content);
        return file.ToArray();
    }

    public static byte[] Header(int width, int height, int bitDepth, int colourType, bool interlaced = false)
    {
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9], header[12]) = ((byte)bitDepth, (byte)colourType, (byte)(interlaced ? 1 : 0));
        return header;
    }

    public static byte[] Deflate(byte[] bytes)
    {
        var output = new MemoryStream();
        using (var zlib = new ZLibStream(output, CompressionLevel.SmallestSize)) zlib.Write(bytes);
        return output.ToArray();
    }

    public static byte[] Inflate(byte[] compressed)
    {
        using var zlib = new ZLibStream(new MemoryStream(compressed), CompressionMode.Decompress);
        var bytes = new MemoryStream();
        zlib.CopyTo(bytes);
        return bytes.ToArray();
    }

    /// <summary>The chunks of a sound file.</summary>
    public static List<(string Name, byte[] Content)> Chunks(byte[] file)
    {
        var chunks = new List<(string, byte[])>();
        for (int at = 8; at < file.Length;)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(at));
            chunks.Add((System.Text.Encoding.ASCII.GetString(file, at + 4, 4), file[(at + 8)..(at + 8 + length)]));
            at += length + 12;
        }
        return chunks;
    }

    private static void WriteChunk(Stream file, string name, byte[] content)
    {
        byte[] named = [.. System.Text.Encoding.ASCII.GetBytes(name), .. content];
        var number = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, content.Length);
        file.Write(number);
        file.Write(named);
        BinaryPrimitives.WriteUInt32BigEndian(number, Crc(named));
        file.Write(number);
    }

    private static void WriteRows(Stream data, int[,,] samples, int bitDepth, (int X, int Y, int StepX, int StepY) pass)
    {
        int height = samples.GetLength(0), width = samples.GetLength(1), channels = samples.GetLength(2);
        if (pass.X >= width) return;
        for (int y = pass.Y; y < height; y += pass.StepY)
        {
            data.WriteByte(0); // filter: none
            int held = 0, bits = 0;
            for (int x = pass.X; x < width; x += pass.StepX)
                for (int c = 0; c < channels; c++)
                {
                    int sample = samples[y, x, c];
                    if (bitDepth == 16)
                    {
                        data.WriteByte((byte)(sample >> 8));
                        data.WriteByte((byte)sample);
                        continue;
                    }
                    held = (held << bitDepth) | sample;
                    bits += bitDepth;
                    if (bits < 8) continue;
                    data.WriteByte((byte)held);
                    (held, bits) = (0, 0);
                }
            if (bits > 0) data.WriteByte((byte)(held << (8 - bits)));
        }
    }

    private static uint Crc(byte[] bytes)
    {
        uint crc = 0xffffffff;
        foreach (byte b in bytes)
        {
            crc ^= b;
            for (int k = 0; k < 8; k++) crc = (crc >> 1) ^ ((crc & 1) * 0xedb88320);
        }
        return ~crc;
    }
}
