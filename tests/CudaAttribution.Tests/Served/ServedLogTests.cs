using CudaAttribution.Runs;
using CudaAttribution.Served;
using static CudaAttribution.Tests.Served.ServedFixture;

namespace CudaAttribution.Tests.Served;

public sealed class ServedLogTests
{
    [TestCase("1\n2\n3\n", null)]
    [TestCase("\n\n\n", null)]
    [TestCase("1\n\n2\n", null)]
    [TestCase("42\n42\n42\n", "all 3 pictures have the seed 42")]
    [TestCase("0\n0\n\n", "all 2 pictures have the seed 0")]
    [TestCase("7\n9\n7\n1\n9\n7\n", "5 of 6 pictures share their seed with another one (seed 7: 3 times)")]
    public void Seeds_that_repeat_are_refused_with_their_number(string seeds, string? problem)
    {
        var log = Log("seed", seeds.TrimEnd('\n').Split('\n'));
        if (problem is null) Assert.That(log.CheckSeeds, Throws.Nothing);
        else Assert.That(log.CheckSeeds, Throws.InstanceOf<UserException>().With.Message.Contains(problem));
    }

    [Test]
    public void Whether_seeds_are_known_is_said()
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Log("seed", "1", "2").SeedsKnown);
            Assert.That(Log("seed", "1", "").SeedsKnown, Is.False);
            Assert.That(Log("seed", "1", "2").Notes, Has.None.Contains("assumed"));
            Assert.That(Log("seed", "1", "").Notes, Has.One.EqualTo("the seeds of 1 of 2 pictures are not known: it is assumed that they were random and distinct"));
        }
    }

    [Test]
    public void What_a_caller_set_is_not_tested_and_its_seed_does_not_count()
    {
        var log = ServedLogReader.Read(Folder(
            "served.tsv", "prompt\tpicture\tseed\tset_by_caller\nx\ta.png\t1\t\ny\tb.jpg\t1\tseed\nz\tmore/c.webp\t\tnoise\n").Root);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(log.Testable.Select(p => p.Prompt), Is.EqualTo(["x"]));
            Assert.That(log.CheckSeeds, Throws.Nothing);
            Assert.That(log.SeedsKnown);
            Assert.That(log.Notes, Is.EqualTo(["the callers set seed or recipe of 2 of 3 pictures: these are not tested"]));
        }
    }

    [Test]
    public void The_same_pixels_served_twice_are_noted()
    {
        var log = ServedLogReader.Read(Folder("served.tsv", "prompt\tpicture\tseed\nx\ta.png\t1\ny\ta.png\t2\nz\tmore/c.webp\t3\n").Root);
        Assert.That(log.Notes, Is.EqualTo(["2 of 3 pictures have the same pixels as another one (2 times at most)"]));
        Assert.That(Log("seed", "1", "2").Notes, Is.Empty);
    }

    private static ServedLog Log(string column, params string[] values)
    {
        string text = $"prompt\tpicture\t{column}\n" + string.Concat(values.Select((value, i) => $"p{i}\t{i}.png\t{value}\n"));
        var folder = Folder("served.tsv", text);
        for (int i = 0; i < values.Length; i++) folder.Write($"{i}.png", Data.Codecs.ImageCodecs.EncodePng(Picture(10 + i)));
        return ServedLogReader.Read(folder.Root);
    }
}
