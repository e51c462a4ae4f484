using CudaAttribution.Chain;
using CudaAttribution.Tests;

namespace CudaAttribution.Cli.Tests;

/// <summary>Time stamps and keys from the command line; the stamps are OpenSSL's (build/oracle/make_timestamps.sh).</summary>
public sealed class EvidenceTests
{
    private static readonly string Golden = Path.Combine(Repository.Root, "tests/golden/timestamps");
    private static readonly string Granted = Path.Combine(Golden, "granted.tsr");

    [Test]
    public void A_stamp_by_a_trusted_service_is_told_and_any_other_is_named_as_what_it_is()
    {
        string commit = Commitment.Read(Golden).Commit;
        var trusted = Cudattr.Succeed("evidence", "check-stamp", Golden, "--reply", Granted, "--trust", Path.Combine(Golden, "root.pem"));
        var untrusted = Cudattr.Succeed("evidence", "check-stamp", Golden, "--reply", Granted, "--json");
        var stranger = Cudattr.Run("evidence", "check-stamp", Golden, "--reply", Granted, "--trust", Path.Combine(Golden, "other-root.pem"));
        var other = Cudattr.Run("evidence", "check-stamp", Golden, "--reply", Path.Combine(Golden, "other.tsr"));
        var refused = Cudattr.Run("evidence", "check-stamp", Golden, "--reply", Path.Combine(Golden, "refused.tsr"));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(trusted.Output, Does.Match($"^{commit} was stamped 2026-[-0-9: ]+ UTC by O=Test,CN=Test stamps, serial 43, vouched for by .*root.pem"));
            Assert.That(trusted.Error, Is.Empty);
            Assert.That(untrusted.Json.GetProperty("trusted").GetBoolean(), Is.False);
            Assert.That(untrusted.Error, Does.Contain("warning: ").And.Contain("signed by whoever made it"));
            Assert.That(stranger.ExitCode, Is.EqualTo(3));
            Assert.That(stranger.Error, Does.Contain("none of those that are trusted"));
            Assert.That(other.ExitCode, Is.EqualTo(3));
            Assert.That(refused.ExitCode, Is.EqualTo(3));
            Assert.That(refused.Error, Does.Contain("the service refused it"));
            Assert.That(Cudattr.Fail("evidence", "check-stamp", Golden, "--reply", Path.Combine(Golden, "none.tsr")), Does.Contain("cannot read this reply"));
            Assert.That(Cudattr.Fail("evidence", "check-stamp", Path.GetTempPath(), "--reply", Granted), Does.Contain("cannot read this commitment"));
        }
    }

    [Test]
    public void A_request_is_written_where_it_is_wanted()
    {
        using var work = new TestFolder();
        Cudattr.Succeed("evidence", "stamp", Golden, "--out", work["a/b.tsq"]);
        Assert.That(File.ReadAllBytes(work["a/b.tsq"]), Is.EqualTo(File.ReadAllBytes(Path.Combine(Golden, "commit.tsq"))));
        Assert.That(Cudattr.Fail("evidence", "stamp", work.Root), Does.Contain("cannot read this commitment"));
    }

    [Test]
    public void A_key_is_made_once()
    {
        using var work = new TestFolder();
        var made = Cudattr.Succeed("evidence", "keygen", "--out", work["key.pem"]);
        var key = SigningKey.Read(work["key.pem"]);
        Assert.That(made.Output, Does.Contain(key.Public.Text));
        Assert.That(VerifyingKey.Read(work["key.pub.pem"]).Text, Is.EqualTo(key.Public.Text));
        Assert.That(Cudattr.Fail("evidence", "keygen", "--out", work["key.pem"]), Does.Contain("there is a public key already"));
        File.Delete(work["key.pub.pem"]);
        Assert.That(Cudattr.Fail("evidence", "keygen", "--out", work["key.pem"]), Does.Contain("cannot write this key"));
        Assert.That(SigningKey.Read(work["key.pem"]).Public.Text, Is.EqualTo(key.Public.Text), "the old one is still there");
    }
}
