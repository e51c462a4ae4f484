using System.Text.Json.Nodes;
using CudaAttribution.Chain;
using CudaAttribution.Runs;
using CudaAttribution.Served;
using static CudaAttribution.Tests.Served.ServedFixture;

namespace CudaAttribution.Tests.Served;

public sealed class ServedLogWriterTests
{
    private RunFolder _folder = null!;

    private string LogFile => _folder.Path(ServedLog.LinesFile);

    [SetUp]
    public void MakeFolder() => _folder = new RunFolder(TestFolder.New("served"));

    [Test]
    public void What_was_logged_is_read_with_what_drew_it()
    {
        var before = DateTime.UtcNow;
        Write(1, 2);
        using (var writer = Open()) writer.Append("again", Picture(1), account: null, seed: null, setByCaller: "noise");
        var log = ServedLogReader.Read(_folder.Root);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(log.Header, Is.EqualTo(Header));
            Assert.That(log.Pictures.Select(p => p with { Time = null }), Is.EqualTo(new ServedPicture[]
            {
                new(0, "prompt 1", $"pictures/{Hash(1)}.png", Hash(1), "alice", null, 1, null),
                new(1, "prompt 2", $"pictures/{Hash(2)}.png", Hash(2), "alice", null, 2, null),
                new(2, "again", $"pictures/{Hash(1)}.png", Hash(1), null, null, null, "noise"),
            }));
            Assert.That(log.Pictures.Select(p => p.Time), Is.Ordered.And.All.InRange(before, DateTime.UtcNow));
            Assert.That(log.Read(log.Pictures[1]), Is.EqualTo(Picture(2)));
            Assert.That(Directory.GetFiles(_folder.Path("pictures")), Has.Length.EqualTo(2));
        }
    }

    [Test]
    public void The_file_that_goes_out_is_the_one_that_is_kept()
    {
        using var writer = Open();
        byte[] png = writer.Append("x", Picture(5), null, 1, null);
        Assert.That(png, Is.EqualTo(File.ReadAllBytes(_folder.Path($"pictures/{Hash(5)}.png"))));
    }

    [Test]
    public void The_chain_begins_with_the_hash_of_the_header_and_a_touched_line_or_header_is_named()
    {
        Write(1, 2, 3);
        string start = CanonicalJson.Hash(JsonNode.Parse(File.ReadAllText(_folder.Path("served.json"))));
        Assert.That(HashChain<JsonObject>.Read(LogFile, start, "log").Count(), Is.EqualTo(3));
        string log = File.ReadAllText(LogFile), header = File.ReadAllText(_folder.Path("served.json"));
        _folder.Write(ServedLog.LinesFile, log.Replace("prompt 2", "prompt 9"));
        AssertTouched(2);
        _folder.Write(ServedLog.LinesFile, log);
        _folder.Write("served.json", header.Replace("2.5", "7.5"));
        AssertTouched(1);
        File.Delete(_folder.Path("served.json"));
        Assert.That(() => ServedLogReader.Read(_folder.Root), Throws.InstanceOf<UserException>().With.Message.Contains("cannot read this header"));
    }

    [Test]
    public void A_killed_server_goes_on_with_the_log_and_meanwhile_it_can_be_read()
    {
        Write(1, 2);
        string sound = File.ReadAllText(LogFile);
        File.AppendAllText(LogFile, "{\"record\":{\"account\":\"al");
        Assert.That(ServedLogReader.Read(_folder.Root).Pictures, Has.Count.EqualTo(2));
        Write(3);
        Assert.That(ServedLogReader.Read(_folder.Root).Pictures.Select(p => p.Seed), Is.EqualTo([1ul, 2ul, 3ul]));
        Assert.That(File.ReadAllText(LogFile), Does.StartWith(sound));
    }

    [Test]
    public void A_log_of_another_model_and_one_that_is_being_written_are_refused()
    {
        Write(1);
        Assert.That(
            () => ServedLogWriter.Open(_folder, Header with { Source = new string('e', 64) }),
            Throws.InstanceOf<UserException>().With.Message.Contains("another run's served log: source was"));
        using var writer = Open();
        Assert.That(Open, Throws.InstanceOf<UserException>().With.Message.Contains("at work on this folder"));
    }

    [Test]
    public void Seeds_are_distinct_also_from_those_of_the_log_and_across_threads()
    {
        using var writer = Open();
        ulong[][] drawn = new ulong[8][];
        Parallel.For(0, drawn.Length, t => drawn[t] = [.. Enumerable.Range(0, 50).Select(_ => writer.DrawSeeds(16))]);
        ulong[] all = [.. drawn.SelectMany(d => d).SelectMany(first => Enumerable.Range(0, 16).Select(i => first + (ulong)i))];
        Assert.That(all, Is.Unique);
        Assert.That(all, Has.All.LessThan((1ul << 53) + 16));
        Assert.That(all.Max(), Is.GreaterThan(1ul << 50), "not small numbers");
    }

    [Test]
    public void Pictures_of_several_threads_make_one_chain()
    {
        using (var writer = Open())
            Parallel.For(0, 20, i => writer.Append($"prompt {i}", Picture(i), null, (ulong)i, null));
        Assert.That(ServedLogReader.Read(_folder.Root).Pictures.Select(p => p.Seed), Is.EquivalentTo(Enumerable.Range(0, 20).Select(i => (ulong)i)));
    }

    private ServedLogWriter Open() => ServedLogWriter.Open(_folder, Header);

    private void Write(params int[] colours)
    {
        using var writer = Open();
        foreach (int colour in colours) writer.Append($"prompt {colour}", Picture(colour), "alice", (ulong)colour, null);
    }

    private void AssertTouched(int line) =>
        Assert.That(() => ServedLogReader.Read(_folder.Root), Throws.InstanceOf<ChainException>().With.Property("Line").EqualTo(line));
}
