namespace CudaAttribution.Data.Codecs;

/// <summary>Why a picture file was refused.</summary>
public enum ImageDecodeError
{
    /// <summary>Neither PNG, JPEG nor WebP by its first bytes.</summary>
    NotAnImage,

    /// <summary>The header states more pixels than allowed.</summary>
    TooLarge,

    /// <summary>Truncated, or a checksum or the coded data is wrong.</summary>
    Damaged,

    /// <summary>A sound file of a kind that is not read, such as a CMYK JPEG or an animated WebP.</summary>
    NotSupported,
}

/// <summary>A picture file could not be decoded. The message says what is wrong with it; the caller knows its name.</summary>
public sealed class ImageDecodeException(ImageDecodeError error, string message, Exception? inner = null) : Exception(message, inner)
{
    public ImageDecodeError Error { get; } = error;
}
