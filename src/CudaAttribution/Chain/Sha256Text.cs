using System.Buffers;
using System.Security.Cryptography;

namespace CudaAttribution.Chain;

/// <summary>A SHA-256 as it stands in files: 64 hex digits in lower case, one text for one hash.</summary>
internal static class Sha256Text
{
    public static bool TryRead(string? text, out byte[] hash)
    {
        hash = new byte[SHA256.HashSizeInBytes];
        return text?.Length == 2 * hash.Length && !text.Any(char.IsAsciiLetterUpper)
            && Convert.FromHexString(text, hash, out _, out _) == OperationStatus.Done;
    }
}
