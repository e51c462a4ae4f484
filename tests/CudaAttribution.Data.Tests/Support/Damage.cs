using System.Buffers.Binary;

namespace CudaAttribution.Data.Tests.Support;

/// <summary>Changes to a picture file that keep it close to a sound one. The same seed gives the same files.</summary>
internal sealed class Damage(int seed)
{
    private static readonly uint[] Numbers = [0, 1, 0x7f, 0xff, 0x0fff, 0x3fff, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff];

    private readonly Random random = new(seed);

    /// <summary>Any of the changes below.</summary>
    public byte[] Of(byte[] file)
    {
        if (random.Next(3) == 0) return Bytes(file);
        if (file[0] == 0x89) return PngParts(file);
        return file[0] == 0xff ? JpegParts(file) : WebPParts(file);
    }

    /// <summary>One to three bits, bytes, numbers or pieces changed, or the end cut off.</summary>
    public byte[] Bytes(byte[] file)
    {
        var bytes = new List<byte>(file);
        for (int changes = 1 + random.Next(3); changes > 0 && bytes.Count > 0; changes--)
        {
            int at = random.Next(bytes.Count), rest = bytes.Count - at;
            switch (random.Next(7))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1 when rest >= 4:
                    WriteNumber(bytes, at, 4);
                    break;
                case 2 when rest >= 2:
                    WriteNumber(bytes, at, 2);
                    break;
                case 3:
                    bytes.InsertRange(random.Next(bytes.Count), bytes.GetRange(at, random.Next(Math.Min(rest, 40) + 1)));
                    break;
                case 4:
                    bytes.RemoveRange(at, random.Next(Math.Min(rest, 12) + 1));
                    break;
                case 5 when random.Next(4) == 0:
                    bytes.RemoveRange(at, rest);
                    break;
                default:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
            }
        }
        return [.. bytes];
    }

    private void WriteNumber(List<byte> bytes, int at, int length)
    {
        byte[] number = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(number, Numbers[random.Next(Numbers.Length)]);
        number = number[^length..];
        if (random.Next(2) == 0) Array.Reverse(number);
        for (int i = 0; i < length; i++) bytes[at + i] = number[i];
    }

    /// <summary>Parts changed, repeated, left out or swapped.</summary>
    private List<T> Shuffled<T>(List<T> parts, Func<T, T> changed)
    {
        var result = new List<T>(parts);
        int a = random.Next(result.Count), b = random.Next(result.Count);
        switch (random.Next(5))
        {
            case 0:
                result.Insert(b, result[a]);
                break;
            case 1 when result.Count > 1:
                result.RemoveAt(a);
                break;
            case 2:
                (result[a], result[b]) = (result[b], result[a]);
                break;
            default:
                result[a] = changed(result[a]);
                break;
        }
        return result;
    }

    /// <summary>All checksums are right, and in a third of the files the rows are damaged before they are compressed.</summary>
    private byte[] PngParts(byte[] file)
    {
        var chunks = PngWriter.Chunks(file);
        if (random.Next(3) == 0)
        {
            int data = chunks.FindIndex(c => c.Name == "IDAT");
            byte[] rows = PngWriter.Inflate([.. chunks.Where(c => c.Name == "IDAT").SelectMany(c => c.Content)]);
            chunks.RemoveAll(c => c.Name == "IDAT");
            chunks.Insert(data, ("IDAT", PngWriter.Deflate(Bytes(rows))));
            return PngWriter.FromChunks([.. chunks]);
        }
        return PngWriter.FromChunks([.. Shuffled(chunks, c => (c.Name, Bytes(c.Content)))]);
    }

    private byte[] JpegParts(byte[] file) => [.. Shuffled(JpegFile.Parts(file), part => [.. part[..2], .. Bytes(part[2..])]).SelectMany(p => p)];

    private byte[] WebPParts(byte[] file) => WebPFile.FromChunks([.. Shuffled([.. WebPFile.Chunks(file)], c => (c.Name, Bytes(c.Content)))]);
}
