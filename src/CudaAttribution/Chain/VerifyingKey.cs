using CudaAttribution.Runs;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Security;

namespace CudaAttribution.Chain;

/// <summary>A public key for Ed25519 signatures (RFC 8032), in a file as SubjectPublicKeyInfo in PEM (RFC 8410).</summary>
public sealed class VerifyingKey
{
    private const string Label = "PUBLIC KEY";

    // RFC 8410 §4: what comes before the 32 bytes of the key.
    private static readonly byte[] Header = Convert.FromHexString("302a300506032b6570032100");

    private readonly Ed25519PublicKeyParameters _key;

    internal VerifyingKey(Ed25519PublicKeyParameters key) => _key = key;

    /// <summary>The 32 bytes of RFC 8032, 64 hex digits.</summary>
    public string Text => Convert.ToHexStringLower(_key.GetEncoded());

    /// <exception cref="UserException">The file cannot be read, or has no such key.</exception>
    public static VerifyingKey Read(string file) =>
        new(KeyFiles.Read<Ed25519PublicKeyParameters>(file, Label, der => PublicKeyFactory.CreateKey(der)));

    /// <exception cref="UserException">There is a file already, or it cannot be written.</exception>
    public void Write(string file) => KeyFiles.Write(
        file, Label, [.. Header, .. _key.GetEncoded()],
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);

    public bool Verify(ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        byte[] text = message.ToArray();
        return signature.Length == Ed25519PrivateKeyParameters.SignatureSize
            && _key.Verify(Org.BouncyCastle.Math.EC.Rfc8032.Ed25519.Algorithm.Ed25519, null, text, 0, text.Length, signature.ToArray(), 0);
    }
}
