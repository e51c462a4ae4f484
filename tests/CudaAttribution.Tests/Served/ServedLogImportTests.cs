using CudaAttribution.Chain;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Runs;
using CudaAttribution.Served;
using static CudaAttribution.Tests.Served.ServedFixture;

namespace CudaAttribution.Tests.Served;

public sealed class ServedLogImportTests
{
    private const string Table = "prompt\tpicture\tseed\tset_by_caller\nx\ta.png\t1\t\ny\tb.jpg\t2\tseed\nx\ta.png\t3\t\n";

    [Test]
    public void Any_layout_becomes_lines_with_pictures_by_their_pixels_and_a_commitment()
    {
        var log = ServedLogReader.Read(Folder("served.tsv", Table).Root);
        string to = TestFolder.New("imported"), again = TestFolder.New("again");
        var commitment = ServedLogImport.Write(log, to);
        var read = ServedLogReader.Read(to);
        ServedLogImport.Write(read, again);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(read.Pictures.Select(p => p with { File = "" }), Is.EqualTo(log.Pictures.Select(p => p with { File = "" })));
            Assert.That(read.Pictures.Select(p => p.File), Is.EqualTo(log.Pictures.Select(p => $"pictures/{p.PixelHash}.png")));
            Assert.That(read.Pictures.Select(read.Read), Is.EqualTo(log.Pictures.Select(log.Read)));
            Assert.That(Commitment.Read(to), Is.EqualTo(commitment));
            Assert.That(ServedLogCommitment.To(read.Pictures), Is.EqualTo(ServedLogCommitment.To(log.Pictures)), "one root for one log");
            Assert.That(Directory.GetFiles(to, "*", SearchOption.AllDirectories), Has.Length.EqualTo(5), "two pictures, lines, root, commitment");
            Assert.That(File.ReadAllBytes(Path.Combine(again, "served.jsonl")), Is.EqualTo(File.ReadAllBytes(Path.Combine(to, "served.jsonl"))));
        }
    }

    [Test]
    public void A_server_s_log_can_be_imported()
    {
        var folder = new RunFolder(TestFolder.New("served"));
        using (var writer = ServedLogWriter.Open(folder, Header)) writer.Append("x", Picture(1), "alice", 7, null);
        var log = ServedLogReader.Read(folder.Root);
        string to = TestFolder.New("imported");
        ServedLogImport.Write(log, to);
        Assert.That(ServedLogReader.Read(to).Pictures, Is.EqualTo(log.Pictures));
    }

    [Test]
    public void What_cannot_be_imported_leaves_nothing()
    {
        var folder = Folder("served.tsv", "prompt\tpicture\nx\ta.png\ny\tmore/c.webp\n");
        var log = ServedLogReader.Read(folder.Root);
        folder.Write("more/c.webp", ImageCodecs.EncodeWebPLossless(Picture(9)));
        var parent = new RunFolder(TestFolder.New("parent"));
        Assert.That(() => ServedLogImport.Write(log, parent.Path("to")), Throws.InstanceOf<UserException>().With.Message.Contains("was changed"));
        Assert.That(Directory.EnumerateFileSystemEntries(parent.Root), Is.Empty);
    }

    [Test]
    public void Nothing_is_overwritten()
    {
        var log = ServedLogReader.Read(Folder("served.tsv", Table).Root);
        var taken = new RunFolder(TestFolder.New("taken"));
        Directory.CreateDirectory(taken.Path("empty"));
        ServedLogImport.Write(log, taken.Path("empty"));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => ServedLogImport.Write(log, taken.Root), Throws.InstanceOf<UserException>().With.Message.Contains("there is something already"));
            Assert.That(
                () => ServedLogImport.Write(log, taken.Path("empty/commit.json")),
                Throws.InstanceOf<UserException>().With.Message.Contains("there is something already"));
        }
    }
}
