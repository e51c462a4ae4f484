using System.Security.Cryptography;
using System.Text.Json.Nodes;
using CudaAttribution.Chain;
using CudaAttribution.Runs;
using Org.BouncyCastle.Math;
using Org.BouncyCastle.Tsp;

namespace CudaAttribution.Tests.Chain;

public sealed class TimeStampTests
{
    private static readonly Commitment Committed = Commitment.To(new JsonObject { ["alpha"] = 0.01 });

    private readonly TestAuthority _service = new();

    [OneTimeTearDown]
    public void Close() => _service.Dispose();

    [Test]
    public void A_request_asks_for_the_hash_of_the_commitment_with_a_certificate_and_is_the_same_each_time()
    {
        byte[] request = TimeStamp.Request(Committed);
        var read = new TimeStampRequest(request);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(read.GetMessageImprintDigest(), Is.EqualTo(SHA256.HashData(Convert.FromHexString(Committed.Commit))));
            Assert.That(read.MessageImprintAlgOid, Is.EqualTo("2.16.840.1.101.3.4.2.1"));
            Assert.That(read.CertReq);
            Assert.That(read.Nonce.SignValue, Is.Positive);
            Assert.That(TimeStamp.Request(Committed), Is.EqualTo(request));
            Assert.That(new TimeStampRequest(TimeStamp.Request(Committed with { Salt = new string('0', 64) })).Nonce, Is.Not.EqualTo(read.Nonce));
        }
    }

    [Test]
    public void A_reply_tells_when_and_who()
    {
        var stamp = TimeStamp.Check(Committed, Reply(), Trust(_service.Root));
        Assert.That(stamp, Is.EqualTo(new TimeStamp(TestAuthority.Time, "42", "CN=Stamps A", Trusted: true)));
    }

    [Test]
    public void Whoever_is_trusted_by_nobody_is_not_called_trusted() => Assert.That(TimeStamp.Check(Committed, Reply(), null).Trusted, Is.False);

    [Test]
    public void The_services_own_certificate_can_be_the_one_that_is_trusted()
    {
        using var other = new TestAuthority("B");
        Assert.That(TimeStamp.Check(Committed, Reply(), Trust(other.Root, _service.Own)).Trusted);
    }

    [Test]
    public void A_signer_that_is_not_trusted_is_refused()
    {
        using var other = new TestAuthority("B");
        using var sameName = new TestAuthority();
        using (Assert.EnterMultipleScope())
        {
            AssertRefused("none of those that are trusted", Reply(), Trust(other.Root, other.Own));
            AssertRefused("none of those that are trusted", Reply(), Trust(sameName.Root, sameName.Own));
        }
    }

    [Test]
    public void A_reply_to_another_request_is_refused()
    {
        var another = Commitment.To(new JsonObject());
        var generator = new TimeStampRequestGenerator();
        generator.SetCertReq(true);
        byte[] imprint = SHA256.HashData(Convert.FromHexString(Committed.Commit)), commit = Convert.FromHexString(Committed.Commit);
        var nonce = new TimeStampRequest(TimeStamp.Request(Committed)).Nonce;
        using (Assert.EnterMultipleScope())
        {
            AssertRefused("nonce", _service.Reply(TimeStamp.Request(another)));
            AssertRefused("nonce", _service.Reply(generator.Generate(TspAlgorithms.Sha256, imprint, BigInteger.ValueOf(7)).GetEncoded()));
            AssertRefused("nonce", _service.Reply(generator.Generate(TspAlgorithms.Sha256, imprint).GetEncoded()));
            AssertRefused("imprint", _service.Reply(generator.Generate(TspAlgorithms.Sha256, commit, nonce).GetEncoded()));
            AssertRefused("imprint", _service.Reply(generator.Generate(TspAlgorithms.Sha512, new byte[64], nonce).GetEncoded()));
        }
    }

    [Test]
    public void A_certificate_that_is_not_for_time_stamps_alone_or_not_valid_then_is_refused()
    {
        using var otherUse = new TestAuthority(use: "1.3.6.1.5.5.7.3.1");
        using var notCritical = new TestAuthority(critical: false);
        using var past = new TestAuthority(validFromDays: -20, validToDays: -10);
        using var future = new TestAuthority(validFromDays: 10, validToDays: 20);
        using (Assert.EnterMultipleScope())
        {
            foreach (var service in new[] { otherUse, notCritical, past, future })
                Assert.That(() => TimeStamp.Check(Committed, ReplyOf(service), null), Throws.InstanceOf<StampException>());
        }
    }

    [Test]
    public void A_signature_of_another_key_and_a_reply_without_certificate_are_refused()
    {
        using var other = new TestAuthority("B");
        using (Assert.EnterMultipleScope())
        {
            AssertRefused("does not check", _service.Reply(TimeStamp.Request(Committed), by: other));
            AssertRefused("without its signer's certificate", _service.Reply(TimeStamp.Request(Committed), withCertificate: false));
        }
    }

    [Test]
    public void A_touched_reply_is_refused_or_says_the_same()
    {
        byte[] sound = Reply();
        var expected = TimeStamp.Check(Committed, sound, Trust(_service.Root));
        var random = new Random(3);
        string trusted = Trust(_service.Root);
        int refused = 0;
        for (int i = 0; i < 3000; i++)
        {
            byte[] touched = [.. sound];
            touched[i % sound.Length] = (byte)random.Next(256);
            if (i % 3 == 1) touched = [.. touched.Take(random.Next(touched.Length))];
            if (i % 3 == 2) touched = [.. touched.Take(i % sound.Length), .. touched.Skip(random.Next(touched.Length))];
            try
            {
                Assert.That(TimeStamp.Check(Committed, touched, trusted), Is.EqualTo(expected), $"{i}");
            }
            catch (StampException)
            {
                refused++;
            }
        }
        Assert.That(refused, Is.GreaterThan(2900));
    }

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(65536)]
    [TestCase(1 << 20)]
    public void Bytes_that_are_no_reply_are_refused(int length)
    {
        byte[] random = new byte[length];
        new Random(length).NextBytes(random);
        AssertRefused("", random);
    }

    /// <summary>Sequences, sets, octet strings and tagged values, each in one of its kind, as deep as the largest reply can be.</summary>
    [TestCase(0x30)]
    [TestCase(0x31)]
    [TestCase(0x24)]
    [TestCase(0xa0)]
    public void A_reply_that_is_nested_without_end_is_refused(int kind)
    {
        const int most = 64 * 1024;
        byte[] open = new byte[most], closed = [];
        for (int i = 0; i < most; i++) open[i] = (byte)(i % 2 == 0 ? kind : 0x80);
        var inside = new List<byte>(); // written from its end
        while (inside.Count < most - 8)
        {
            int length = inside.Count;
            inside.AddRange([(byte)length, (byte)(length >> 8), 0x82, (byte)kind]);
        }
        inside.Reverse();
        closed = [.. inside];
        AssertRefused("", open);
        AssertRefused("", closed);
        AssertRefused("", Within(0x30, [.. Within(0x30, [2, 1, 0]), .. closed.AsSpan(0, 60_000)]));
        AssertRefused("", Within(0x30, [.. Within(0x30, [2, 1, 0]), .. open.AsSpan(0, 60_000)]));

        static byte[] Within(byte kind, byte[] content) => [kind, 0x82, (byte)(content.Length >> 8), (byte)content.Length, .. content];
    }

    [TestCase("")]
    [TestCase("no certificate")]
    [TestCase("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")]
    [TestCase("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA+qnitT9FvzwO2RpTfJU4K4pkB8LmZPwFZkcP6P5QplI=\n-----END PUBLIC KEY-----\n")]
    public void A_file_without_a_certificate_is_refused(string text) =>
        Assert.That(() => TimeStamp.Check(Committed, Reply(), Trust(text)), Throws.InstanceOf<UserException>().With.Message.Contains("no certificate here"));

    /// <summary>Request, reply and certificates are OpenSSL's: build/oracle/make_timestamps.sh.</summary>
    [Test]
    public void Requests_and_replies_are_those_of_openssl()
    {
        string golden = Path.Combine(Repository.Root, "tests", "golden", "timestamps");
        var committed = Commitment.Read(golden);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(TimeStamp.Request(committed), Is.EqualTo(File.ReadAllBytes(Path.Combine(golden, "commit.tsq"))), "which OpenSSL has read");
            var stamp = TimeStamp.CheckFile(committed, Path.Combine(golden, "granted.tsr"), Path.Combine(golden, "root.pem"));
            Assert.That(stamp.Trusted);
            Assert.That(stamp.Serial, Is.EqualTo("43"));
            Assert.That(stamp.Signer, Is.EqualTo("O=Test,CN=Test stamps"));
            Assert.That(stamp.Time.Year, Is.EqualTo(2026));
            AssertStamp("none of those that are trusted", "granted.tsr", "other-root.pem");
            AssertStamp("nonce", "other.tsr", "root.pem");
            AssertStamp("the service refused it (status 2): Message digest algorithm is not supported.", "refused.tsr", "root.pem");
            Assert.That(
                () => TimeStamp.CheckFile(committed, Path.Combine(golden, "none.tsr"), null),
                Throws.InstanceOf<UserException>().With.Message.Contains("cannot read this reply"));
        }

        void AssertStamp(string problem, string reply, string trusted) => Assert.That(
            () => TimeStamp.CheckFile(committed, Path.Combine(golden, reply), Path.Combine(golden, trusted)),
            Throws.InstanceOf<StampException>().With.Message.Contains(problem));
    }

    [TestCase(0, null)]
    [TestCase(1, null)]
    [TestCase(2, "the service refused it (status 2): so it is\\u001b[31m.")]
    [TestCase(5, "the service refused it (status 5): so it is")]
    public void Only_a_granted_request_is_a_stamp(int status, string? problem)
    {
        byte[] reply = _service.Reply(TimeStamp.Request(Committed), status: status);
        if (problem is null) Assert.That(TimeStamp.Check(Committed, reply, null).Serial, Is.EqualTo("42"));
        else AssertRefused(problem, reply);
    }

    private byte[] Reply() => ReplyOf(_service);

    private static byte[] ReplyOf(TestAuthority service) => service.Reply(TimeStamp.Request(Committed));

    private static string Trust(params string[] certificates)
    {
        var folder = new RunFolder(TestFolder.New("trust"));
        folder.Write("trust.pem", string.Join("\n", certificates) + "\n");
        return folder.Path("trust.pem");
    }

    private static void AssertRefused(string problem, byte[] reply, string? trusted = null) =>
        Assert.That(() => TimeStamp.Check(Committed, reply, trusted), Throws.InstanceOf<StampException>().With.Message.Contains(problem));
}
