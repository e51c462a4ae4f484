namespace CudaAttribution.Cli.Tests;

/// <summary>Data sets that are wrong are named, with what is wrong.</summary>
public sealed class DataInspectTests
{
    [Test]
    public void Built_in_sets_are_described()
    {
        var set = Cudattr.Succeed("data", "inspect", "emoji:twitter@0+20#3", "--json").Json;
        Assert.That(set.GetProperty("count").GetInt32(), Is.EqualTo(20));
    }

    [Test]
    public void A_caption_without_picture_is_named()
    {
        using var folder = new TestFolder();
        folder.Write("set/captions.tsv", "id\tcaption\nmissing\ta picture that is not there\n");
        Assert.That(Cudattr.Fail("data", "inspect", folder["set"], "--on-bad-image", "fail"), Does.Contain("missing"));
    }

    [Test]
    public void An_empty_set_and_a_missing_one_are_named()
    {
        using var folder = new TestFolder();
        folder.Write("empty/captions.tsv", "id\tcaption\n");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Cudattr.Fail("data", "inspect", folder["empty"]), Does.Contain(folder["empty"]));
            Assert.That(Cudattr.Fail("data", "inspect", folder["nowhere"]), Does.Contain(folder["nowhere"]));
        }
    }

    [Test]
    public void A_broken_picture_fails_or_is_left_out_as_asked()
    {
        using var folder = new TestFolder();
        Cudattr.Succeed("data", "inspect", "emoji:google@0+1", "--sheet", folder["set/good.png"]);
        File.WriteAllBytes(folder["set/bad.png"], File.ReadAllBytes(folder["set/good.png"])[..100]);
        folder.Write("set/captions.tsv", "id\tcaption\ngood\tone\nbad\ttwo\n");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Cudattr.Fail("data", "inspect", folder["set"], "--on-bad-image", "fail"), Does.Contain("bad.png").And.Contain("skip bad pictures. (--on-bad-image)"));
            var skipped = Cudattr.Succeed("data", "inspect", folder["set"], "--on-bad-image", "skip", "--json").Json;
            Assert.That(skipped.GetProperty("count").GetInt32(), Is.EqualTo(1));
            Assert.That(skipped.GetProperty("layout").GetString(), Is.EqualTo("captions.tsv with the columns id and caption"));
            Assert.That(skipped.GetProperty("skipped")[0].GetProperty("file").GetString(), Does.Contain("bad.png"));
        }
    }
}
