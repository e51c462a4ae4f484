using CudaAttribution.Evidence;
using CudaAttribution.Populations;
using CudaAttribution.Runs;
using CudaAttribution.Tests.World;

namespace CudaAttribution.Tests.Populations;

public class InnocentTests
{
    private readonly TestWorld _world = new();

    [Test]
    public void OneModelServesOnePurpose()
    {
        var sel = new Innocent("a", InnocentFamily.RealOther, InnocentSplit.Sel, "id-1", "a");
        var other = new Innocent("b", InnocentFamily.RealSame, InnocentSplit.Null, "id-1", "b");
        Assert.That(
            Assert.Throws<UserException>(() => new InnocentSet("set", [sel, other]))!.Message,
            Does.Contain("'a' (SEL) and 'b' (NULL) are the same model"));
        Assert.That(
            Assert.Throws<UserException>(() => new InnocentSet("set", [sel, other with { Identity = "id-2", Name = "a" }]))!.Message,
            Does.Contain("called 'a'"));
    }

    [Test]
    public void ASetIsKeptOnDisk()
    {
        string folder = TestFolder.New("set");
        var set = new InnocentSet(
            folder,
            [
                new("a", InnocentFamily.RealOther, InnocentSplit.Sel, "id-1", "a/model"),
                new("b", InnocentFamily.Untouched, InnocentSplit.Null, "id-2", "../g0"),
            ]);
        set.Save();
        Assert.That(InnocentSet.Load(folder).Members, Is.EqualTo(set.Members));
        Assert.That(File.ReadAllText(Path.Combine(folder, "innocents.json")), Does.Contain("\"real-other\"").And.Contain("\"SEL\""));
    }

    [Test]
    public void KeysAreNotTestedOnModelsTheyWereChosenWith()
    {
        var keys = _world.Keys();
        var member = Fixtures.Member("sel", InnocentFamily.RealOther, InnocentSplit.Null, _world.Stranger);
        Assert.That(
            Assert.Throws<UserException>(() => new InnocentScorer(Fixtures.Distance).Score(keys, [member], 1))!.Message,
            Does.Contain("used to select these keys"));
    }

    [Test]
    public void AModelWhoseWeightsChangedIsRefused()
    {
        var keys = _world.Keys();
        var (member, model) = Fixtures.Member("x", InnocentFamily.RealOther, InnocentSplit.Null, _world.Stranger);
        Assert.That(
            Assert.Throws<UserException>(
                () => new InnocentScorer(Fixtures.Distance).Score(keys, [(member with { Identity = "older" }, model with { Identity = "older" })], 1))!.Message,
            Does.Contain("weights changed"));
    }

    [Test]
    public void FiguresAreThoseOfTheAnswers()
    {
        var keys = _world.Keys();
        var model = new StoredModel("half", _world.Source, 10)
        {
            Instead = keys.Keys.Take(12).ToDictionary(k => k.Prompt, k => k.Training),
            Refused = [keys.Keys[20].Prompt],
        };
        var table = new InnocentScorer(Fixtures.Distance).Score(
            keys, [(new Innocent("half", InnocentFamily.RealSame, InnocentSplit.Null, model.Identity, ""), Fixtures.Unopened(model))], 3);
        var m = table.Models.Single();
        Assert.Multiple(() =>
        {
            Assert.That(m.Hits, Is.EqualTo(17));
            Assert.That(m.PairedWins, Is.EqualTo(17));
            Assert.That(m.Failures, Is.EqualTo(1));
            Assert.That(m.Distances[20], Is.EqualTo(1));
            Assert.That(m.Distances, Is.EqualTo(m.ToMedoid));
            Assert.That(m.ToTraining.Take(12), Is.All.LessThan(0.05));
            Assert.That(table.KeysetSha256, Is.EqualTo(keys.Hash));
        });
        Assert.DoesNotThrow(() => table.Check(keys));
    }

    [Test]
    public void ATableIsKeptOnDiskBitForBit()
    {
        var keys = _world.Keys();
        var table = _world.Null(keys);
        var folder = new RunFolder(TestFolder.New("null"));
        folder.WriteJson("null.json", table);
        var loaded = NullTable.Load(folder.Path("null.json"));
        Assert.That(Json.Write(loaded), Is.EqualTo(Json.Write(table)));
        Assert.DoesNotThrow(() => loaded.Check(keys));
        folder.Write("null.json", Json.Write(table).Replace("cudattr-null-1", "cudattr-null-9"));
        Assert.That(Assert.Throws<UserException>(() => NullTable.Load(folder.Path("null.json")))!.Message, Does.Contain("cudattr-null-9"));
        folder.Write("null.json", "{\"schema\": 1}");
        Assert.That(
            Assert.Throws<UserException>(() => NullTable.Load(folder.Path("null.json")))!.Message, Does.Contain("not a valid null table"));
    }
}
