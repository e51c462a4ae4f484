using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using CudaAttribution.Images;

namespace CudaAttribution.Models.Training;

/// <summary>Captioned pictures of one size. They are read as batches ask for them; as many as fit a stated memory stay there.</summary>
public sealed class TrainingSet
{
    /// <summary>256 MiB: memory for pictures that stay after they were read once. Those beyond are read each time.</summary>
    public const long MostHeld = 256L << 20;

    private readonly IPicture[] _pictures;
    private readonly Lazy<string> _hash;

    /// <param name="pictures">The pictures, all of one size.</param>
    /// <param name="captions">One per picture.</param>
    /// <param name="mostHeld">Bytes of pixels that stay in memory at most.</param>
    /// <exception cref="ArgumentException">There is no picture, not as many as captions, or they differ in size.</exception>
    public TrainingSet(IReadOnlyList<IPicture> pictures, IReadOnlyList<string> captions, long mostHeld = MostHeld)
    {
        if (captions.Count == 0) throw new ArgumentException("the training set is empty: give at least one captioned picture", nameof(captions));
        if (pictures.Count != captions.Count)
            throw new ArgumentException($"there are {pictures.Count} pictures and {captions.Count} captions", nameof(captions));
        (Height, Width, Captions) = (pictures[0].Height, pictures[0].Width, [.. captions]);
        for (int i = 1; i < pictures.Count; i++)
        {
            if (pictures[i].Height != Height || pictures[i].Width != Width)
                throw new ArgumentException(
                    $"picture {i} has {pictures[i].Height}x{pictures[i].Width} pixels, the first one {Height}x{Width}", nameof(pictures));
        }
        long held = mostHeld / PictureBytes;
        _pictures = [.. pictures.Select((picture, i) => i < held ? new Held(picture) : picture)];
        _hash = new Lazy<string>(ComputeHash);
    }

    public int Count => Captions.Count;

    public int Height { get; }

    public int Width { get; }

    public IReadOnlyList<string> Captions { get; }

    /// <summary>Bytes of one picture.</summary>
    public int PictureBytes => checked(Height * Width * 3);

    /// <summary>The pixels of some pictures, <c>[height, width, 3]</c> each, in the order of the numbers.</summary>
    /// <exception cref="Runs.UserException">A picture cannot be read any more, or was changed.</exception>
    public IEnumerable<byte[]> Read(IEnumerable<int> numbers) => numbers.Select(i => _pictures[i]).ReadAhead().Select(image => image.Pixels);

    /// <summary>SHA-256 over sizes, captions and pixels, lower-case hexadecimal.</summary>
    public string Hash() => _hash.Value;

    private string ComputeHash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> number = stackalloc byte[4];
        foreach (int value in (int[])[Count, Height, Width])
        {
            BinaryPrimitives.WriteInt32LittleEndian(number, value);
            hash.AppendData(number);
        }
        foreach (string caption in Captions)
        {
            byte[] text = Encoding.UTF8.GetBytes(caption);
            BinaryPrimitives.WriteInt32LittleEndian(number, text.Length);
            hash.AppendData(number);
            hash.AppendData(text);
        }
        foreach (byte[] pixels in Read(Enumerable.Range(0, Count))) hash.AppendData(pixels);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>A picture that stays in memory once it was read.</summary>
    private sealed class Held(IPicture picture) : IPicture
    {
        private volatile RgbImage? _image;

        public int Width => picture.Width;

        public int Height => picture.Height;

        public RgbImage Read() => _image ??= picture.Read();
    }
}
