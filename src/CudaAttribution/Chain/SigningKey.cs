using System.Security.Cryptography;
using CudaAttribution.Runs;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Security;

namespace CudaAttribution.Chain;

/// <summary>A private key for Ed25519 signatures (RFC 8032), in a file as PKCS#8 in PEM (RFC 8410), as OpenSSL reads and writes it.</summary>
public sealed class SigningKey
{
    internal const string Label = "PRIVATE KEY";

    // RFC 8410 §7: what comes before the 32 bytes of the key.
    private static readonly byte[] Header = Convert.FromHexString("302e020100300506032b657004220420");

    private readonly Ed25519PrivateKeyParameters _key;

    /// <param name="seed">The 32 bytes that RFC 8032 calls the private key.</param>
    public SigningKey(byte[] seed) => _key = new Ed25519PrivateKeyParameters(seed);

    public VerifyingKey Public => new(_key.GeneratePublicKey());

    /// <summary>A key by chance.</summary>
    public static SigningKey New() => new(RandomNumberGenerator.GetBytes(Ed25519PrivateKeyParameters.KeySize));

    /// <exception cref="UserException">The file cannot be read, or has no such key.</exception>
    public static SigningKey Read(string file) =>
        new(KeyFiles.Read<Ed25519PrivateKeyParameters>(file, Label, der => PrivateKeyFactory.CreateKey(der)).GetEncoded());

    /// <summary>Writes a new file that only its owner may read.</summary>
    /// <exception cref="UserException">There is a file already, or it cannot be written.</exception>
    public void Write(string file) => KeyFiles.Write(file, Label, [.. Header, .. _key.GetEncoded()], UnixFileMode.UserRead | UnixFileMode.UserWrite);

    /// <summary>The signature: 64 bytes, the same each time.</summary>
    public byte[] Sign(ReadOnlySpan<byte> message)
    {
        byte[] signature = new byte[Ed25519PrivateKeyParameters.SignatureSize], text = message.ToArray();
        _key.Sign(Org.BouncyCastle.Math.EC.Rfc8032.Ed25519.Algorithm.Ed25519, null, text, 0, text.Length, signature, 0);
        return signature;
    }
}
