using CudaAttribution.Answers;
using CudaAttribution.Evidence;
using CudaAttribution.Keys;
using CudaAttribution.Populations;
using CudaAttribution.Runs;
using CudaAttribution.Tests.World;

namespace CudaAttribution.Tests.Evidence;

public class InnocentScorerTests
{
    private readonly TestWorld _world = new();
    private KeySet _keys = null!;

    [OneTimeSetUp]
    public void Build() => _keys = _world.Keys();

    [Test]
    public void EachSplitIsAskedWithNoiseOfItsOwn()
    {
        var (cal, reference) = (_world.Stranger("cal"), _world.Stranger("null"));
        var done = new List<(int, int)>();
        new InnocentScorer(Fixtures.Distance).Score(
            _keys, [Innocent(cal, InnocentSplit.Cal), Innocent(reference, InnocentSplit.Null)], 9, (n, total) => done.Add((n, total)));
        Assert.That(cal.Asked.Select(q => q.Noise.Purpose), Is.All.EqualTo(NoisePurpose.Calibration));
        Assert.That(reference.Asked.Select(q => q.Noise.Purpose), Is.All.EqualTo(NoisePurpose.NullScoring));
        Assert.That(done, Is.EqualTo(new[] { (1, 2), (2, 2) }));
    }

    [Test]
    public void WhatIsInTheStoreIsNotAskedAgain()
    {
        using var store = AnswerStore.InMemory();
        var model = _world.Stranger("null");
        var scorer = new InnocentScorer(Fixtures.Distance, store);
        var first = scorer.Score(_keys, [Innocent(model)], 9);
        var suspect = _world.Stranger("suspect");
        foreach (int _ in Enumerable.Range(0, 2))
        {
            Assert.That(Json.Write(scorer.Score(_keys, [Innocent(model)], 9)), Is.EqualTo(Json.Write(first)));
            new Attributor(Fixtures.Distance, store).Run(_keys, suspect, first, new AttributionOptions { Seed = 4 });
        }
        Assert.That(model.Asked, Has.Count.EqualTo(_keys.Keys.Count));
        Assert.That(suspect.Asked, Has.Count.EqualTo(_keys.Keys.Count));
    }

    [Test]
    public void AnswersThatNeverCameAreCounted()
    {
        var refusing = new StoredModel("null", _world.Other, 90) { Refused = [_keys.Keys[0].Prompt, _keys.Keys[3].Prompt] };
        var model = new InnocentScorer(Fixtures.Distance).Score(_keys, [Innocent(refusing)], 9).Models[0];
        Assert.That(model.Failures, Is.EqualTo(2));
        Assert.That(new[] { model.Distances[0], model.ToTraining[3], model.ToMedoid[3] }, Is.All.EqualTo(1));
    }

    [Test]
    public void AStoppedScoringAsksNobodyElse()
    {
        using var cancel = new CancellationTokenSource();
        var (first, second) = (_world.Stranger("first"), _world.Stranger("second"));
        Assert.That(
            () => new InnocentScorer(Fixtures.Distance).Score(
                _keys, [Innocent(first), Innocent(second)], 9, (_, _) => cancel.Cancel(), cancel.Token),
            Throws.InstanceOf<OperationCanceledException>());
        Assert.That(first.Asked, Has.Count.EqualTo(_keys.Keys.Count));
        bool opened = false;
        var unopened = (new Innocent("x", InnocentFamily.Twin, InnocentSplit.Null, second.Identity, ""), new UnopenedModel("x", second.Identity, () => Opened(second)));
        Assert.That(
            () => new InnocentScorer(Fixtures.Distance).Score(_keys, [unopened], 9, cancel: cancel.Token), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(opened, Is.False);

        StoredModel Opened(StoredModel model)
        {
            opened = true;
            return model;
        }
    }

    [Test]
    public void WhoWouldMakeTheNullWrongIsRefusedBeforeAnyoneIsAsked()
    {
        var once = _world.Stranger("once");
        Refused(() => Score(Innocent(once), (Innocent(once).Item1 with { Name = "again" }, Fixtures.Unopened(once))), "is the same model as 'once'");
        Refused(() => Score(Innocent(once, InnocentSplit.Sel)), "was used to select these keys");
        Refused(() => Score((Innocent(once).Item1 with { Identity = _keys.Header.SourceIdentity }, Fixtures.Unopened(once))), "is the source itself");
        Assert.That(once.Asked, Is.Empty);

        NullTable Score(params (Innocent, UnopenedModel)[] innocents) => new InnocentScorer(Fixtures.Distance).Score(_keys, innocents, 9);
    }

    [Test]
    public void AnotherMetricOrAnotherSamplingIsRefused()
    {
        var tile = new KeySet(_keys.Header with { Metric = "tile" }, _keys.Keys);
        Refused(() => new InnocentScorer(Fixtures.Distance).Score(tile, [Innocent(_world.Stranger("x"))], 9), "frozen with metric tile, not px");
        Refused(() => new Attributor(Fixtures.Distance).Run(tile, _world.Stranger("x"), null, new AttributionOptions()), "frozen with metric tile, not px");
        var sampled = new KeySet(_keys.Header with { Sampling = new SamplingRecipe { Steps = 20 } }, _keys.Keys);
        var other = new StoredModel("x", _world.Other, 90) { Sampling = new SamplingRecipe { Steps = 30 } };
        Refused(() => new InnocentScorer(Fixtures.Distance).Score(sampled, [Innocent(other)], 9), "Sample every model as the keys say");
        Refused(() => new Attributor(Fixtures.Distance).Run(sampled, other, null, new AttributionOptions()), "Sample every model as the keys say");
        Assert.That(other.Asked, Is.Empty);
    }

    [Test]
    public void CalAndNullMembersOfASetAreTaken()
    {
        string[] names = ["sel", "cal", "null"];
        var members = names.Zip(Enum.GetValues<InnocentSplit>()).Select(n => new Innocent(n.First, InnocentFamily.RealOther, n.Second, $"id {n.First}", n.First));
        var set = new InnocentSet("innocents", [.. members.OrderBy(m => m.Split)]);
        var taken = InnocentScorer.MembersOf(set, (path, name) => _world.Stranger($"{Path.GetFileName(path)}/{name}"));
        Assert.That(taken.Select(t => t.Member.Split), Is.EqualTo(new[] { InnocentSplit.Cal, InnocentSplit.Null }));
        Assert.That(taken.Select(t => t.Model.Identity), Is.EqualTo(taken.Select(t => t.Member.Identity)));
    }

    /// <summary>A table whose figures contradict one another was edited, whichever of them it was.</summary>
    [Test]
    public void EditedFiguresAreNoticed([Values] KeyStrategy strategy)
    {
        var keys = _world.Keys(new KeySelectionOptions { Seed = 5, Count = 10, Strategy = strategy });
        var table = new InnocentScorer(Fixtures.Distance).Score(keys, [Innocent(_world.Stranger("null"))], 9);
        var model = table.Models[0];
        Assert.That(() => table.Check(keys), Throws.Nothing);
        Edited(model with { Distances = [.. model.Distances, 1] });
        Edited(model with { ToTraining = [.. model.ToTraining, 1] });
        Edited(model with { ToMedoid = [.. model.ToMedoid, 1] });
        Edited(model with { Distances = Lower(model.Distances) });
        Edited(model with { ToTraining = Lower(model.ToTraining), ToMedoid = Lower(model.ToMedoid) });
        Edited(model with { Hits = model.Hits + 1 });
        Edited(model with { PairedWins = model.PairedWins + 1 });

        void Edited(NullModel edited) =>
            Assert.That(() => (table with { Models = [edited] }).Check(keys), Throws.TypeOf<UserException>().With.Message.Contains("do not agree"));

        static IReadOnlyList<double> Lower(IReadOnlyList<double> distances) => [.. distances.Select((d, i) => i == 4 ? d - 1e-9 : d)];
    }

    [Test]
    public void ATieIsAHitAndNoWin()
    {
        var model = new NullModel("n", InnocentFamily.Twin, InnocentSplit.Null, "id", [0.15], [0.15], [0.15], 1, 0, 0);
        Assert.That(model.HitsAt(0.15, _keys.Keys), Is.EqualTo(1));
        Assert.That(model.HitsAt(Math.BitDecrement(0.15), _keys.Keys), Is.Zero);
        var one = new KeySet(_keys.Header, [_keys.Keys[0]]);
        var table = new NullTable { KeysetSha256 = one.Hash, Metric = "px", Threshold = one.Header.Threshold, Seed = 1, Models = [model] };
        Assert.That(() => table.Check(one), Throws.Nothing);
    }

    [Test]
    public void FilesOfAnotherVersionAndOfOtherKeysAreRefused()
    {
        var run = new RunFolder(TestFolder.New("run"));
        var table = new InnocentScorer(Fixtures.Distance).Score(_keys, [Innocent(_world.Stranger("null"))], 9);
        run.WriteJson(NullTable.FileName, table with { Schema = "cudattr-null-9" });
        Refused(() => NullTable.Load(run.Path(NullTable.FileName)), "cudattr-null-9");
        run.WriteJson(NullTable.FileName, table);
        Assert.That(Json.Write(NullTable.Load(run.Path(NullTable.FileName))), Is.EqualTo(Json.Write(table)));
        var result = new Attributor(Fixtures.Distance).Run(_keys, _world.Stranger("s"), table, new AttributionOptions { MaxUnusable = 0 }).Result;
        run.WriteJson(AttributionResult.FileName, result with { Schema = "cudattr-result-9" });
        Refused(() => AttributionResult.Load(run.Path(AttributionResult.FileName)), "cudattr-result-9");
        Assert.That(result.Keys.Concat(result.PairedOnlyKeys).Select(k => k.Image), Is.EqualTo(_keys.Keys.Select((_, i) => $"images/{i:D3}-answer.png")));
        Refused(() => (table with { KeysetSha256 = "short" }).Check(_keys), $"key set short, the keys given are {_keys.Hash[..12]}…");
        Refused(() => (table with { KeysetSha256 = new string('0', 12) }).Check(_keys), "key set 000000000000, the");
    }

    private static (Innocent, UnopenedModel) Innocent(StoredModel model, InnocentSplit split = InnocentSplit.Null) =>
        (new Innocent(model.Name, InnocentFamily.RealOther, split, model.Identity, ""), Fixtures.Unopened(model));

    private static void Refused(Action action, string why)
    {
        var thrown = Assert.Throws<UserException>(() => action());
        Assert.That($"{thrown!.Message} {thrown.Remedy}", Does.Contain(why));
    }
}
