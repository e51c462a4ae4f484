using System.Buffers.Binary;
using System.IO.Compression;
using System.Runtime.InteropServices;
using CudaAttribution.Images;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.Formats.Png;
using SixLabors.ImageSharp.PixelFormats;

namespace CudaAttribution.Data.Codecs;

/// <summary>
/// A PNG file reduced to the chunks that make its pixels, after each chunk's checksum and the length and checksum of the coded data were
/// checked: ImageSharp leaves rows blank whose data are missing, and searches on where a chunk is broken.
/// </summary>
internal sealed class PngContainer
{
    private const int ChunkFrame = 12; // length, name, checksum
    private const int PaletteEntry = 3;

    private readonly PngHeader header;
    private readonly MemoryStream data = new();
    private bool dataBegan, dataEnded;
    private int entries;
    private byte[]? palette;
    private byte[]? transparency;

    /// <summary>
    /// Red, green and blue of the colour that is transparent in a 16-bit picture, else null. <see cref="ToBytes"/> leaves it out, since
    /// ImageSharp reads it in the wrong byte order.
    /// </summary>
    private ushort[]? wideTransparency;

    private PngContainer(PngHeader header) => this.header = header;

    public static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10];

    /// <exception cref="ImageDecodeException">Too large, truncated or damaged.</exception>
    public static PngContainer Read(ReadOnlySpan<byte> file, long maxPixels)
    {
        int at = Signature.Length;
        ReadOnlySpan<byte> content = Chunk(file, at, out ReadOnlySpan<byte> name);
        if (!name.SequenceEqual("IHDR"u8) || content.Length != PngHeader.Length)
            throw FileProblem.Damaged("PNG: the first chunk is not the header");
        PngHeader header = PngHeader.Read(content, maxPixels);
        CheckSum(file, at, content);
        at += ChunkFrame + content.Length;
        var png = new PngContainer(header);
        for (bool ended = false; !ended; at += ChunkFrame + content.Length)
        {
            content = Chunk(file, at, out name);
            CheckSum(file, at, content);
            ended = png.Take(name, content);
        }
        png.CheckData();
        return png;
    }

    /// <summary>
    /// Each pass of an interlaced picture is decoded as a picture of its own: ImageSharp reads interlaced ones that are less than five pixels wide for
    /// ever.
    /// </summary>
    public RgbaImage Decode()
    {
        // The product that ImageSharp computes in 32 bits; where it wraps, the picture would be blank.
        if ((long)header.Width * header.BitDepth * Math.Max(1, header.Channels * header.BitDepth / 8) > int.MaxValue)
            throw FileProblem.NotSupported($"PNG: a row of {header.Width} pixels is too long for ImageSharp; cut the picture or save it with 8 bits");
        if (!header.Interlaced) return Decode(header.Width, header.Height, data.GetBuffer().AsSpan(0, (int)data.Length));
        var rgba = new byte[4 * header.Width * header.Height];
        data.Position = 0;
        using var rows = new ZLibStream(data, CompressionMode.Decompress, leaveOpen: true);
        foreach (PngPass pass in header.Passes) Place(Decode(pass.Columns, pass.Rows, Packed(rows, pass.Bytes)), pass, rgba);
        return new RgbaImage(header.Width, header.Height, rgba);
    }

    private static byte[] Packed(Stream rows, long bytes)
    {
        var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            var buffer = new byte[1 << 16];
            for (long left = bytes; left > 0;)
            {
                int read = rows.Read(buffer, 0, (int)Math.Min(left, buffer.Length));
                zlib.Write(buffer, 0, read);
                left -= read;
            }
        }
        return packed.ToArray();
    }

    private void Place(RgbaImage image, PngPass pass, byte[] rgba)
    {
        ReadOnlySpan<uint> from = MemoryMarshal.Cast<byte, uint>(image.Pixels);
        Span<uint> to = MemoryMarshal.Cast<byte, uint>(rgba.AsSpan());
        for (int y = 0; y < pass.Rows; y++)
        {
            Span<uint> row = to.Slice((pass.Y + y * pass.StepY) * header.Width, header.Width);
            for (int x = 0; x < pass.Columns; x++) row[pass.X + x * pass.StepX] = from[y * pass.Columns + x];
        }
    }

    private RgbaImage Decode(int width, int height, ReadOnlySpan<byte> coded)
    {
        var decoder = new PngDecoder { IgnoreMetadata = true };
        byte[] file = ToBytes(width, height, coded);
        if (header.BitDepth < 16) return PixelReader.Read(decoder, file);
        // Decoded to 16 bits and cut to the high byte here: ImageSharp would round.
        using Image<Rgba64> wide = PixelReader.Load<Rgba64>(decoder, file);
        var rgba = new byte[4 * wide.Width * wide.Height];
        wide.ProcessPixelRows(rows =>
        {
            for (int y = 0; y < rows.Height; y++) Narrow(rows.GetRowSpan(y), rgba.AsSpan(4 * rows.Width * y));
        });
        return new RgbaImage(wide.Width, wide.Height, rgba);
    }

    private void Narrow(ReadOnlySpan<Rgba64> row, Span<byte> rgba)
    {
        for (int x = 0; x < row.Length; x++)
        {
            Rgba64 p = row[x];
            bool clear = wideTransparency is not null && p.R == wideTransparency[0] && p.G == wideTransparency[1] && p.B == wideTransparency[2];
            (rgba[4 * x], rgba[4 * x + 1], rgba[4 * x + 2]) = ((byte)(p.R >> 8), (byte)(p.G >> 8), (byte)(p.B >> 8));
            rgba[4 * x + 3] = clear ? (byte)0 : (byte)(p.A >> 8);
        }
    }

    /// <summary>The file as ImageSharp gets it: header, palette, transparency, one chunk of data.</summary>
    private byte[] ToBytes(int width, int height, ReadOnlySpan<byte> coded)
    {
        var file = new MemoryStream(coded.Length + 1024);
        file.Write(Signature);
        Span<byte> ihdr = stackalloc byte[PngHeader.Length];
        ihdr.Clear();
        BinaryPrimitives.WriteInt32BigEndian(ihdr, width);
        BinaryPrimitives.WriteInt32BigEndian(ihdr[4..], height);
        (ihdr[8], ihdr[9]) = ((byte)header.BitDepth, (byte)header.Colour);
        Write(file, "IHDR"u8, ihdr);
        if (palette is not null) Write(file, "PLTE"u8, palette);
        if (transparency is not null) Write(file, "tRNS"u8, transparency);
        Write(file, "IDAT"u8, coded);
        Write(file, "IEND"u8, []);
        return file.ToArray();
    }

    private static ReadOnlySpan<byte> Chunk(ReadOnlySpan<byte> file, int at, out ReadOnlySpan<byte> name)
    {
        ReadOnlySpan<byte> rest = file[at..];
        if (rest.Length < ChunkFrame) throw FileProblem.Damaged("PNG: the file ends too early");
        uint length = BinaryPrimitives.ReadUInt32BigEndian(rest);
        if (length > rest.Length - ChunkFrame) throw FileProblem.Damaged("PNG: the file ends too early");
        name = rest.Slice(4, 4);
        return rest.Slice(8, (int)length);
    }

    private static void CheckSum(ReadOnlySpan<byte> file, int at, ReadOnlySpan<byte> content)
    {
        ReadOnlySpan<byte> summed = file.Slice(at + 4, 4 + content.Length);
        if (PngCrc.Of(summed) != BinaryPrimitives.ReadUInt32BigEndian(file[(at + 8 + content.Length)..]))
            throw FileProblem.Damaged("PNG: the checksum of a chunk is wrong");
    }

    private static void Write(MemoryStream file, ReadOnlySpan<byte> name, ReadOnlySpan<byte> content)
    {
        byte[] named = [.. name, .. content];
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, content.Length);
        file.Write(number);
        file.Write(named);
        BinaryPrimitives.WriteUInt32BigEndian(number, PngCrc.Of(named));
        file.Write(number);
    }

    /// <returns>Whether this was the last chunk.</returns>
    private bool Take(ReadOnlySpan<byte> name, ReadOnlySpan<byte> content)
    {
        bool isData = name.SequenceEqual("IDAT"u8);
        dataEnded |= dataBegan && !isData;
        if (isData) TakeData(content);
        else if (name.SequenceEqual("PLTE"u8)) TakePalette(content);
        else if (name.SequenceEqual("tRNS"u8)) TakeTransparency(content);
        else if (!name.SequenceEqual("IEND"u8) && !char.IsAsciiLetterLower((char)name[0]))
            throw FileProblem.Damaged("PNG: a chunk without which the file cannot be read is repeated or not known");
        return name.SequenceEqual("IEND"u8);
    }

    private void TakeData(ReadOnlySpan<byte> content)
    {
        if (dataEnded) throw FileProblem.Damaged("PNG: other chunks stand between the coded data");
        if (header.Colour == PngColour.Palette && palette is null) throw FileProblem.Damaged("PNG: the palette is missing");
        dataBegan = true;
        data.Write(content);
    }

    private void TakePalette(ReadOnlySpan<byte> content)
    {
        if (header.Colour != PngColour.Palette) return; // only a suggestion for screens of few colours
        if (palette is not null || dataBegan) throw FileProblem.Damaged("PNG: the palette is repeated or in the wrong place");
        entries = content.Length / PaletteEntry;
        if (entries == 0 || entries > 1 << header.BitDepth || content.Length % PaletteEntry != 0)
            throw FileProblem.Damaged("PNG: the palette does not fit the header");
        // Padded, so that an index outside the palette is opaque black.
        palette = new byte[PaletteEntry << header.BitDepth];
        content.CopyTo(palette);
    }

    /// <summary>A chunk that is repeated, misplaced or does not fit the header is left out, as the specification allows.</summary>
    private void TakeTransparency(ReadOnlySpan<byte> content)
    {
        if (transparency is not null || wideTransparency is not null || dataBegan) return;
        if (header.Colour == PngColour.Palette)
        {
            if (content.Length > 0 && content.Length <= entries) transparency = content.ToArray();
            return;
        }
        int samples = header.Colour switch { PngColour.Grey => 1, PngColour.Rgb => 3, _ => 0 };
        if (samples == 0 || content.Length != 2 * samples) return;
        var values = new ushort[samples];
        for (int i = 0; i < samples; i++) values[i] = BinaryPrimitives.ReadUInt16BigEndian(content[(2 * i)..]);
        if (header.BitDepth == 16) wideTransparency = samples == 3 ? values : [values[0], values[0], values[0]];
        else if (values.All(v => v < 1 << header.BitDepth)) transparency = content.ToArray();
    }

    private void CheckData()
    {
        long n = 0, expected = header.Passes.Sum(pass => pass.Bytes);
        try
        {
            data.Position = 0;
            using var zlib = new ZLibStream(data, CompressionMode.Decompress, leaveOpen: true);
            var buffer = new byte[1 << 16];
            // One read more than the pixels need, where the checksum is.
            for (int read = -1; read != 0 && n <= expected; n += read) read = zlib.Read(buffer);
        }
        catch (InvalidDataException e)
        {
            throw FileProblem.Damaged("PNG: the coded data are wrong", e);
        }
        if (n < expected) throw FileProblem.Damaged("PNG: the coded data end too early");
    }
}
