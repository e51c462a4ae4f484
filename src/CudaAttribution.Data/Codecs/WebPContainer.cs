using System.Buffers.Binary;
using System.Text;
using CudaAttribution.Images;
using SixLabors.ImageSharp.Formats.Webp;

namespace CudaAttribution.Data.Codecs;

/// <summary>
/// A WebP file reduced to its picture and transparency. ImageSharp reads past the end of a cut file, believes the outer header's size
/// without a look at the picture's own, and loses its place after a chunk of odd length.
/// </summary>
internal sealed class WebPContainer
{
    private const int RiffHeader = 12, ChunkHeader = 8;
    private const byte AnimationFlag = 0x02;

    public const byte LosslessSignature = 0x2f;

    /// <summary>Other than zeros, which ImageSharp fills with.</summary>
    private static readonly byte[] Filler = [.. Enumerable.Repeat((byte)0xb6, 64)];

    private readonly byte[] picture;
    private readonly byte[] transparency;
    private readonly bool lossless;

    private WebPContainer(byte[] picture, byte[] transparency, bool lossless) =>
        (this.picture, this.transparency, this.lossless) = (picture, transparency, lossless);

    public static bool Matches(ReadOnlySpan<byte> file) => file.Length >= RiffHeader && file.StartsWith("RIFF"u8) && file[8..].StartsWith("WEBP"u8);

    /// <exception cref="ImageDecodeException">Too large, truncated, damaged or an animation.</exception>
    public static WebPContainer Read(ReadOnlySpan<byte> file, long maxPixels)
    {
        long end = BinaryPrimitives.ReadUInt32LittleEndian(file[4..]) + 8L;
        if (end > file.Length) throw EndsTooEarly();
        file = file[..(int)end];
        int at = RiffHeader;
        ReadOnlySpan<byte> name = Next(file, ref at, out ReadOnlySpan<byte> content);
        (int Width, int Height)? canvas = null;
        ReadOnlySpan<byte> alpha = [];
        if (name.SequenceEqual("VP8X"u8))
        {
            canvas = ReadCanvas(content, maxPixels);
            for (name = Next(file, ref at, out content); !IsPicture(name); name = Next(file, ref at, out content))
                if (name.SequenceEqual("ALPH"u8)) alpha = content;
        }
        if (!IsPicture(name)) throw FileProblem.Damaged("WebP: the file has no picture");
        bool lossless = name[3] == 'L';
        (int width, int height) = lossless ? LosslessSize(content) : LossySize(content);
        FileProblem.CheckSize(width, height, maxPixels);
        if (canvas is { } stated && stated != (width, height)) throw FileProblem.Damaged("WebP: the headers state different sizes");
        return new WebPContainer(content.ToArray(), alpha.ToArray(), lossless);
    }

    public RgbaImage Decode()
    {
        RgbaImage image = DecodeChunk(lossless ? "VP8L" : "VP8 ", picture);
        if (!lossless && transparency.Length > 0) WebPAlpha.Apply(transparency, image);
        return image;
    }

    /// <summary>
    /// A picture whose coded data run out is filled by ImageSharp without a word. So it is decoded twice, with other bytes behind its data: where these
    /// make a difference, the data were too short.
    /// </summary>
    internal static RgbaImage DecodeChunk(string name, byte[] content)
    {
        var decoder = new WebpDecoder { IgnoreMetadata = true };
        RgbaImage image = PixelReader.Read(decoder, File(name, content, []));
        return PixelReader.Gives(decoder, File(name, content, Filler), image) ? image : throw FileProblem.Damaged("WebP: the coded data end too early");
    }

    /// <summary>A file of one chunk, its length even: the pad counts as content.</summary>
    private static byte[] File(string name, byte[] content, byte[] filler)
    {
        int length = content.Length + filler.Length, padded = length + (length & 1);
        byte[] file = new byte[RiffHeader + ChunkHeader + padded];
        "RIFF\0\0\0\0WEBP"u8.CopyTo(file);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(4), file.Length - 8);
        Encoding.ASCII.GetBytes(name, file.AsSpan(RiffHeader));
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(RiffHeader + 4), padded);
        content.CopyTo(file, RiffHeader + ChunkHeader);
        filler.CopyTo(file, RiffHeader + ChunkHeader + content.Length);
        return file;
    }

    private static bool IsPicture(ReadOnlySpan<byte> name) => name.SequenceEqual("VP8 "u8) || name.SequenceEqual("VP8L"u8);

    private static ReadOnlySpan<byte> Next(ReadOnlySpan<byte> file, scoped ref int at, out ReadOnlySpan<byte> content)
    {
        if (file.Length - at < ChunkHeader) throw EndsTooEarly();
        ReadOnlySpan<byte> rest = file[at..];
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(rest[4..]);
        if (length > rest.Length - ChunkHeader) throw EndsTooEarly();
        content = rest.Slice(ChunkHeader, (int)length);
        at += ChunkHeader + (int)length + (int)(length & 1);
        return rest[..4];
    }

    /// <summary>The size in the outer header of a file with more than a picture.</summary>
    private static (int Width, int Height) ReadCanvas(ReadOnlySpan<byte> content, long maxPixels)
    {
        if (content.Length < 10) throw FileProblem.Damaged("WebP: the header is too short");
        if ((content[0] & AnimationFlag) != 0) throw FileProblem.NotSupported("WebP: the file is an animation; extract one frame");
        int width = 1 + (content[4] | content[5] << 8 | content[6] << 16), height = 1 + (content[7] | content[8] << 8 | content[9] << 16);
        FileProblem.CheckSize(width, height, maxPixels);
        return (width, height);
    }

    private static (int Width, int Height) LossySize(ReadOnlySpan<byte> content)
    {
        const int header = 10;
        if (content.Length < header) throw EndsTooEarly();
        int tag = content[0] | content[1] << 8 | content[2] << 16;
        bool keyFrame = (tag & 1) == 0 && content.Slice(3, 3).SequenceEqual((ReadOnlySpan<byte>)[0x9d, 0x01, 0x2a]);
        if (!keyFrame || tag >> 5 > content.Length - header) throw FileProblem.Damaged("WebP: the header of the lossy picture is wrong");
        return ((content[6] | content[7] << 8) & 0x3fff, (content[8] | content[9] << 8) & 0x3fff);
    }

    private static (int Width, int Height) LosslessSize(ReadOnlySpan<byte> content)
    {
        if (content.Length < 5) throw EndsTooEarly();
        uint sizes = BinaryPrimitives.ReadUInt32LittleEndian(content[1..]);
        // 14 bits of width, 14 of height, 1 that hints at transparency, 3 of a version, which is 0.
        if (content[0] != LosslessSignature || sizes >> 29 != 0) throw FileProblem.Damaged("WebP: the header of the lossless picture is wrong");
        return ((int)(sizes & 0x3fff) + 1, (int)(sizes >> 14 & 0x3fff) + 1);
    }

    private static ImageDecodeException EndsTooEarly() => FileProblem.Damaged("WebP: the file ends too early");
}
