using System.Buffers.Binary;
using System.Text;

namespace CudaAttribution.Data.Tests.Support;

/// <summary>Takes WebP files apart and puts chunks, sound or not, together.</summary>
internal static class WebPFile
{
    public const byte Alpha = 0x10, Exif = 0x08;

    /// <summary>The chunks after the RIFF header.</summary>
    public static (string Name, byte[] Content)[] Chunks(byte[] file)
    {
        var chunks = new List<(string, byte[])>();
        for (int at = 12; at < file.Length;)
        {
            int length = BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(at + 4));
            chunks.Add((Encoding.ASCII.GetString(file, at, 4), file[(at + 8)..(at + 8 + length)]));
            at += 8 + length + length % 2;
        }
        return [.. chunks];
    }

    public static byte[] FromChunks(params (string Name, byte[] Content)[] chunks)
    {
        var body = new MemoryStream();
        var number = new byte[4];
        foreach ((string name, byte[] content) in chunks)
        {
            BinaryPrimitives.WriteInt32LittleEndian(number, content.Length);
            body.Write(Encoding.ASCII.GetBytes(name));
            body.Write(number);
            body.Write(content);
            if (content.Length % 2 == 1) body.WriteByte(0);
        }
        BinaryPrimitives.WriteInt32LittleEndian(number, (int)body.Length + 4);
        return [.. "RIFF"u8, .. number, .. "WEBP"u8, .. body.ToArray()];
    }

    /// <summary>The header chunk of a file with more than a picture.</summary>
    public static (string Name, byte[] Content) Canvas(int width, int height, byte flags) =>
        ("VP8X", [flags, 0, 0, 0, .. Bytes24(width - 1), .. Bytes24(height - 1)]);

    private static byte[] Bytes24(int value) => [(byte)value, (byte)(value >> 8), (byte)(value >> 16)];
}
