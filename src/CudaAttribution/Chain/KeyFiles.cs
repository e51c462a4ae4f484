using System.Security.Cryptography;
using CudaAttribution.Runs;
using Org.BouncyCastle.Crypto;

namespace CudaAttribution.Chain;

/// <summary>Keys in PEM (RFC 7468).</summary>
internal static class KeyFiles
{
    private const int LargestFile = 64 * 1024;

    /// <exception cref="UserException">The file cannot be read, or has no such key.</exception>
    public static T Read<T>(string file, string label, Func<byte[], AsymmetricKeyParameter> parse) where T : AsymmetricKeyParameter
    {
        string text = Json.ReadText(file, "key");
        if (text.Length <= LargestFile && PemEncoding.TryFind(text, out var fields) && text[fields.Label] == label)
        {
            try
            {
                if (parse(Convert.FromBase64String(text[fields.Base64Data])) is T key) return key;
            }
            // The bytes come from outside, and the parser answers wrong ones with many kinds of exceptions.
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                throw NoKey(e);
            }
        }
        throw NoKey();

        UserException NoKey(Exception? inner = null) =>
            new($"this is no Ed25519 key between '-----BEGIN {label}-----' and its end", "Name a key file, or make a new one.", file, inner);
    }

    /// <exception cref="UserException">There is a file already, or it cannot be written.</exception>
    public static void Write(string file, string label, byte[] der, UnixFileMode mode)
    {
        try
        {
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows()) options.UnixCreateMode = mode;
            using var stream = new FileStream(file, options);
            using var writer = new StreamWriter(stream);
            writer.Write(PemEncoding.WriteString(label, der) + "\n");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserException(
                $"cannot write this key ({e.Message.TrimEnd('.')})", "Name a file that is not there yet, where you may write.", file, e);
        }
    }
}
