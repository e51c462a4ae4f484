using System.Security.Cryptography;
using CudaAttribution.Chain;
using CudaAttribution.Runs;

namespace CudaAttribution.Tests.Chain;

public sealed class SignatureTests
{
    private RunFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new RunFolder(TestFolder.New("keys"));

    /// <summary>RFC 8032 §7.1, tests 1 to 3.</summary>
    [TestCase(
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b")]
    [TestCase(
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")]
    [TestCase(
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a")]
    public void The_vectors_of_the_standard(string seed, string key, string message, string signature)
    {
        var signing = new SigningKey(Convert.FromHexString(seed));
        byte[] text = Convert.FromHexString(message), signed = signing.Sign(text);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Convert.ToHexStringLower(signed), Is.EqualTo(signature));
            Assert.That(signing.Public.Text, Is.EqualTo(key));
            Assert.That(signing.Public.Verify(text, signed));
            Assert.That(signing.Public.Verify([.. text, 0], signed), Is.False);
        }
    }

    [Test]
    public void A_signature_with_any_bit_changed_is_none()
    {
        var key = SigningKey.New();
        byte[] text = [1, 2, 3], signature = key.Sign(text);
        using (Assert.EnterMultipleScope())
        {
            for (int bit = 0; bit < 8 * signature.Length; bit++)
            {
                byte[] touched = [.. signature];
                touched[bit / 8] ^= (byte)(1 << bit % 8);
                Assert.That(key.Public.Verify(text, touched), Is.False, $"bit {bit}");
            }
            Assert.That(key.Public.Verify(text, signature[..63]), Is.False);
            Assert.That(key.Public.Verify(text, []), Is.False);
            Assert.That(SigningKey.New().Public.Verify(text, signature), Is.False, "another key");
        }
    }

    [Test]
    public void Keys_come_back_from_their_files_and_only_the_owner_may_read_the_private_one()
    {
        var key = SigningKey.New();
        string secret = _folder.Path("key.pem"), open = _folder.Path("key.pub.pem");
        key.Write(secret);
        key.Public.Write(open);
        byte[] text = [7];
        using (Assert.EnterMultipleScope())
        {
            Assert.That(SigningKey.Read(secret).Sign(text), Is.EqualTo(key.Sign(text)));
            Assert.That(VerifyingKey.Read(open).Verify(text, key.Sign(text)));
            if (!OperatingSystem.IsWindows()) Assert.That(File.GetUnixFileMode(secret), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
            Assert.That(() => key.Write(secret), Throws.InstanceOf<UserException>().With.Message.Contains("exists"), "no key is overwritten");
        }
    }

    /// <summary>Made with <c>openssl genpkey -algorithm ed25519</c>, <c>openssl pkey -pubout</c> and <c>openssl pkeyutl -sign -rawin</c> (OpenSSL 3.0).</summary>
    [Test]
    public void Keys_and_signatures_are_those_of_openssl()
    {
        _folder.Write("key.pem", """
            -----BEGIN PRIVATE KEY-----
            MC4CAQAwBQYDK2VwBCIEICD2cue2IhDLnGJ9d7TRWoogG96sKWf9hmxt5mEop7Tp
            -----END PRIVATE KEY-----
            """);
        const string open = """
            -----BEGIN PUBLIC KEY-----
            MCowBQYDK2VwAyEA+qnitT9FvzwO2RpTfJU4K4pkB8LmZPwFZkcP6P5QplI=
            -----END PUBLIC KEY-----

            """;
        _folder.Write("key.pub.pem", open);
        byte[] signature = Convert.FromHexString(
            "756a41b9f3342db62dd97e847d7efa6ab31b99e9911adce27d509962bbd4809d88257a3bbd7b71f6877882364fd48238bbaacd266684bca3d8b562109363a80b");
        var key = SigningKey.Read(_folder.Path("key.pem"));
        key.Public.Write(_folder.Path("ours.pem"));
        key.Write(_folder.Path("ours.key.pem"));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(VerifyingKey.Read(_folder.Path("key.pub.pem")).Verify("head"u8, signature));
            Assert.That(key.Sign("head"u8), Is.EqualTo(signature));
            Assert.That(File.ReadAllText(_folder.Path("ours.pem")), Is.EqualTo(open));
            Assert.That(File.ReadAllText(_folder.Path("ours.key.pem")).Trim(), Is.EqualTo(File.ReadAllText(_folder.Path("key.pem"))));
        }
    }

    [TestCase("")]
    [TestCase("no key")]
    [TestCase("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n")]
    [TestCase("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")]
    [TestCase("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VuBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n")] // X25519
    [TestCase("-----BEGIN EC PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END EC PRIVATE KEY-----\n")]
    public void What_is_no_key_is_refused(string text)
    {
        _folder.Write("key.pem", text);
        Assert.That(() => SigningKey.Read(_folder.Path("key.pem")), Throws.InstanceOf<UserException>().With.Message.Contains("no Ed25519 key"));
        Assert.That(() => VerifyingKey.Read(_folder.Path("key.pem")), Throws.InstanceOf<UserException>().With.Message.Contains("no Ed25519 key"));
    }

    [Test]
    public void A_damaged_key_file_ends_with_a_sentence_or_another_key()
    {
        SigningKey.New().Write(_folder.Path("sound.pem"));
        byte[] sound = PemDer(_folder.Path("sound.pem"));
        var random = new Random(1);
        for (int i = 0; i < 2000; i++)
        {
            byte[] der = [.. sound];
            der[random.Next(der.Length)] = (byte)random.Next(256);
            _folder.Write("key.pem", PemEncoding.WriteString("PRIVATE KEY", der[..random.Next(1, der.Length + 1)]));
            try
            {
                SigningKey.Read(_folder.Path("key.pem"));
            }
            catch (UserException)
            {
                // A sentence.
            }
        }
    }

    private static byte[] PemDer(string file)
    {
        string text = File.ReadAllText(file);
        return Convert.FromBase64String(text[PemEncoding.Find(text).Base64Data]);
    }
}
