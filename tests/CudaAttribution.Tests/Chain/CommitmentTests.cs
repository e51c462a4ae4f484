using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using CudaAttribution.Chain;
using CudaAttribution.Runs;

namespace CudaAttribution.Tests.Chain;

public sealed class CommitmentTests
{
    [Test]
    public void A_commitment_is_the_hash_of_the_canonical_document_and_the_salt()
    {
        var made = Commitment.To(JsonNode.Parse("""{ "b": [1, 2.50], "a": "é" }""")!);
        byte[] bytes = [.. Encoding.UTF8.GetBytes("""{"a":"é","b":[1,2.50]}"""), .. Convert.FromHexString(made.Salt)];
        using (Assert.EnterMultipleScope())
        {
            Assert.That(made.Commit, Is.EqualTo(Convert.ToHexStringLower(SHA256.HashData(bytes))));
            Assert.That(made.Salt, Has.Length.EqualTo(64));
        }
    }

    [Test]
    public void The_same_document_gives_another_commitment_each_time()
    {
        Commitment first = Commitment.To(new JsonObject()), second = Commitment.To(new JsonObject());
        Assert.That(second.Commit, Is.Not.EqualTo(first.Commit));
        Assert.That(second.Salt, Is.Not.EqualTo(first.Salt));
    }

    [Test]
    public void What_was_committed_to_fits_however_it_is_indented_and_nothing_else_does()
    {
        var folder = new RunFolder(TestFolder.New("commit"));
        Commitment.To(JsonNode.Parse("""{"alpha":0.01,"primary":"served"}""")!).Write(folder);
        var read = Commitment.Read(folder.Root);
        Assert.That(() => read.Check(JsonNode.Parse("""{ "primary": "served", "alpha": 0.01 }""")!, "plan.json"), Throws.Nothing);
        Assert.That(
            () => read.Check(JsonNode.Parse("""{"alpha":0.05,"primary":"served"}""")!, "plan.json"),
            Throws.InstanceOf<UserException>().With.Message.StartsWith("plan.json: this is not what commit.json committed to"));
    }

    [TestCase("""{"schema":"cudattr-commit-1","commit":"ab","salt":"cd"}""", "64 hex digits")]
    [TestCase("""{"schema":"cudattr-commit-2","commit":"ab","salt":"cd"}""", "this version reads")]
    [TestCase("""{"schema":"cudattr-commit-1","commit":"ab"}""", "not a valid commitment")]
    [TestCase("[]", "not a valid commitment")]
    [TestCase("", "not a valid commitment")]
    public void What_is_no_commitment_is_refused(string text, string problem)
    {
        var folder = new RunFolder(TestFolder.New("commit"));
        folder.Write(Commitment.FileName, text);
        Assert.That(() => Commitment.Read(folder.Root), Throws.InstanceOf<UserException>().With.Message.Contains(problem));
    }

    [Test]
    public void A_folder_without_one_is_refused() => Assert.That(
        () => Commitment.Read(TestFolder.New("none")), Throws.InstanceOf<UserException>().With.Message.Contains("cannot read this commitment"));
}
