using System.Security.Cryptography;
using System.Text;
using CudaAttribution.Chain;
using CudaAttribution.Runs;
using CudaAttribution.Served;
using static CudaAttribution.Tests.Served.ServedFixture;

namespace CudaAttribution.Tests.Served;

public sealed class ServedLogCommitmentTests
{
    private const string Table = "prompt\tpicture\taccount\ttime\tseed\n\"é\"\ta.png\talice\t2026-11-28T13:00:00+01:00\t18446744073709551615\ny\tmore/c.webp\t\t\t\n";

    [Test]
    public void The_root_is_that_of_the_pictures_lines_by_hand()
    {
        var log = ServedLogReader.Read(Folder("served.tsv", Table).Root);
        string first = $$"""{"account":"alice","pixel_sha256":"{{Hash(1)}}","prompt":"\"é\"","seed":18446744073709551615,"set_by_caller":null,"time":"2026-11-28T12:00:00Z"}""";
        string second = $$"""{"account":null,"pixel_sha256":"{{Hash(3)}}","prompt":"y","seed":null,"set_by_caller":null,"time":null}""";
        byte[] root = Sha([1, .. Sha([0, .. Encoding.UTF8.GetBytes(first)]), .. Sha([0, .. Encoding.UTF8.GetBytes(second)])]);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Encoding.UTF8.GetString(ServedLogCommitment.Entry(log.Pictures[0])), Is.EqualTo(first));
            Assert.That(ServedLogCommitment.To(log.Pictures), Is.EqualTo(new ServedLogCommitment("cudattr-served-root-1", 2, Convert.ToHexStringLower(root))));
        }
    }

    /// <summary>The root is that of the Python text of docs/evidence.md over the same pictures.</summary>
    [Test]
    public void The_root_over_unusual_prompts_is_that_of_another_implementation()
    {
        string[] prompts =
        [
            "a \"cat\" \\ <b>&'+é ü", "tab\there\nand there", "\u0001\u007f\u0085\u00a0\u2028\u3000\ufeff", "🐈 日本語 \U0001f468\u200d\U0001f469",
            "\ue000\u00ad\u202e",
        ];
        var noon = new DateTime(2026, 11, 28, 12, 0, 0, DateTimeKind.Utc);
        DateTime?[] times = [null, noon, noon.AddMilliseconds(50), null, noon.Date.AddDays(1).AddTicks(-8765433)];
        var pictures = prompts.Select((prompt, i) => new ServedPicture(i, prompt, "", Hash(10 + i), i % 2 == 0 ? null : "\"x\"", times[i], (ulong)i, null));
        Assert.That(ServedLogCommitment.To([.. pictures]).MerkleRoot, Is.EqualTo("8df9f9f1ab66ecf443d491520e5ef3f21057ce1aa119aa3e5ff078f914c3d061"));
    }

    [Test]
    public void A_log_that_is_no_longer_what_was_committed_to_is_refused()
    {
        var folder = Folder("served.tsv", Table);
        ServedLogCommitment.To(ServedLogReader.Read(folder.Root).Pictures).Write(folder);
        using (Assert.EnterMultipleScope())
        {
            AssertRead(2, Table);
            AssertRead(3, Table + "z\tb.jpg\t\t\t5\n");
            AssertRefused(Table.Replace("alice", "bob"));
            AssertRefused(Table.Replace("a.png", "b.jpg"));
            AssertRefused(Table[..Table.IndexOf("\ny\t", StringComparison.Ordinal)]);
        }
        folder.Write("served.tsv", Table);
        folder.WriteJson(ServedLogCommitment.FileName, new ServedLogCommitment("cudattr-served-root-1", 1, new string('a', 64)));
        Assert.That(() => ServedLogReader.Read(folder.Root), Throws.InstanceOf<UserException>().With.Message.Contains("not what commit.json committed to"));

        void AssertRead(int count, string text)
        {
            folder.Write("served.tsv", text);
            Assert.That(ServedLogReader.Read(folder.Root).Pictures, Has.Count.EqualTo(count));
        }

        void AssertRefused(string text)
        {
            folder.Write("served.tsv", text);
            Assert.That(() => ServedLogReader.Read(folder.Root), Throws.InstanceOf<UserException>().With.Message.Contains("the log is not what was committed to (2 pictures"));
        }
    }

    [Test]
    public void A_commitment_is_never_replaced()
    {
        var folder = Folder("served.tsv", Table);
        var committed = ServedLogCommitment.To(ServedLogReader.Read(folder.Root).Pictures);
        var first = committed.Write(folder);
        Assert.That(() => committed.Write(folder), Throws.InstanceOf<UserException>().With.Message.Contains("there is a commitment already"));
        Assert.That(Commitment.Read(folder.Root), Is.EqualTo(first));
    }

    private static byte[] Sha(byte[] bytes) => SHA256.HashData(bytes);
}
