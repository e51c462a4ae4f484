using System.Buffers.Binary;
using System.Security.Cryptography;

namespace CudaAttribution.Images;

/// <summary>Identity of a picture's pixels, whatever file holds them.</summary>
public static class ImageHash
{
    /// <summary>SHA-256 over width and height (32-bit little-endian) and the RGB bytes, 64 hex digits.</summary>
    public static string Of(RgbImage image)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> size = stackalloc byte[8];
        BinaryPrimitives.WriteInt32LittleEndian(size, image.Width);
        BinaryPrimitives.WriteInt32LittleEndian(size[4..], image.Height);
        sha.AppendData(size);
        sha.AppendData(image.Pixels);
        return Convert.ToHexStringLower(sha.GetHashAndReset());
    }
}
