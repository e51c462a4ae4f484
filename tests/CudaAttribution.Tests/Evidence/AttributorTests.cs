using System.Text.Json;
using System.Text.Json.Nodes;
using CudaAttribution.Answers;
using CudaAttribution.Evidence;
using CudaAttribution.Images;
using CudaAttribution.Keys;
using CudaAttribution.Populations;
using CudaAttribution.Runs;
using CudaAttribution.Statistics;
using CudaAttribution.Tests.World;

namespace CudaAttribution.Tests.Evidence;

public class AttributorTests
{
    private readonly TestWorld _world = new();
    private KeySet _keys = null!;
    private NullTable _null = null!;

    [OneTimeSetUp]
    public void Build()
    {
        _keys = _world.Keys();
        _null = _world.Null(_keys);
    }

    [Test]
    public void ACopierIsInfringing()
    {
        var result = Judge(new StoredModel("copier", _world.Source, 15));
        Assert.Multiple(() =>
        {
            Assert.That(result.Verdict, Is.EqualTo("infringing"));
            Assert.That(result.Conf, Is.EqualTo(1));
            Assert.That(result.Hits, Is.EqualTo(30));
            Assert.That(result.Paired, Is.EqualTo(1));
            Assert.That(result.PValue, Is.LessThan(0.01));
            Assert.That(result.PValue, Is.EqualTo(Math.Max(result.ConfTest.PValue!.Value, result.PairedTest.PValue!.Value)));
            Assert.That(result.ConfCal, Is.EqualTo(1 - result.ConfTest.PValue));
            Assert.That(result.Reason, Does.Contain("30 of 30 keys").And.Contain("both tests reject innocence"));
        });
    }

    [Test]
    public void ALawfulModelOfTheSameRealPicturesIsClearedByThePairedTest()
    {
        // The source reproduces its training pictures closely, so a model of those pictures hits the keys as well.
        var faithful = _world.Real.ToDictionary(p => p.Key, p => Replace(p.Value, _world.Source[p.Key], every: 16));
        var source = new StoredModel("source", faithful, 8);
        var keys = new KeySelector(Fixtures.Distance).Select(source, _world.Training, [Fixtures.Unopened(_world.Stranger("sel"))], new KeySelectionOptions { Seed = 5 });
        var table = _world.Null(keys);
        var lawful = new Attributor(Fixtures.Distance).Run(keys, new StoredModel("lawful", _world.Real, 10), table, new AttributionOptions()).Result;
        var copier = new Attributor(Fixtures.Distance).Run(keys, new StoredModel("copier", faithful, 10), table, new AttributionOptions()).Result;
        Assert.Multiple(() =>
        {
            Assert.That(lawful.Conf, Is.EqualTo(1));
            Assert.That(lawful.ConfTest.PValue, Is.LessThan(0.01), "conf alone accuses it");
            Assert.That(lawful.Paired, Is.LessThan(0.2));
            Assert.That(lawful.Verdict, Is.EqualTo("not shown"));
            Assert.That(lawful.Reason, Does.Contain("the likeness can come from the same real pictures"));
            Assert.That(copier.Verdict, Is.EqualTo("infringing"));
        });
    }

    [Test]
    public void AStrangerIsNotShown()
    {
        var result = Judge(_world.Stranger("suspect"));
        Assert.Multiple(() =>
        {
            Assert.That(result.Verdict, Is.EqualTo("not shown"));
            Assert.That(result.Hits, Is.Zero);
            Assert.That(result.PValue, Is.GreaterThan(0.01));
            Assert.That(result.SmallestDetectableRho, Is.InRange(0.0, 1.0));
        });
    }

    [Test]
    public void RefusedAnswersAreMissesAtTheMaximum()
    {
        var refusing = new StoredModel("refusing", _world.Source, 10) { Refused = [.. _keys.Keys.Take(12).Select(k => k.Prompt)] };
        var result = Judge(refusing);
        Assert.Multiple(() =>
        {
            Assert.That(result.N, Is.EqualTo(30));
            Assert.That(result.Hits, Is.EqualTo(18));
            Assert.That(result.Conf, Is.EqualTo(0.6));
            Assert.That(result.Failures, Is.EqualTo(12));
            Assert.That(result.Keys.Take(12).All(k => k is { Distance: 1, Hit: false, CloserToMedoid: false, Image: null, Failure: "refused" }));
            Assert.That(result.PairedTest.Count, Is.EqualTo(18));
        });
    }

    [Test]
    public void WithTooManyUnusableAnswersThereIsNoVerdict()
    {
        string[] prompts = [.. _keys.Keys.Select(k => k.Prompt)];
        int most = (int)(0.2 * prompts.Length);
        Assert.That(Judge(new StoredModel("sound", _world.Source, 10) { Refused = [.. prompts.Take(most)] }), Has.Property("Unusable").Null);
        var refusing = Judge(new StoredModel("refusing", _world.Source, 10) { Refused = [.. prompts.Take(most + 1)] });
        Assert.That(refusing.Verdict, Is.EqualTo("no verdict"));
        Assert.That(refusing.Reason, Does.StartWith($"{most + 1} of {prompts.Length} answers are unusable").And.Contain("most often: refused"));
        var black = prompts.ToDictionary(p => p, _ => RgbImage.Filled(8, 8, 0, 0, 0));
        Assert.That(Judge(new StoredModel("black", black, 0)).Reason, Does.Contain("the picture is all black"));
        var same = prompts.ToDictionary(p => p, _ => _world.Source[prompts[0]]);
        Assert.That(Judge(new StoredModel("same", same, 0)), Has.Property("Verdict").EqualTo("no verdict").And.Property("Failures").Zero);
        var patient = new AttributionOptions { Seed = 7, MaxUnusable = 0.5 };
        Assert.That(
            new Attributor(Fixtures.Distance).Run(_keys, new StoredModel("patient", _world.Source, 10) { Refused = [.. prompts.Take(most + 1)] }, _null, patient)
                .Result.Verdict,
            Is.Not.EqualTo("no verdict"));
    }

    [TestCase(-0.1)]
    [TestCase(1)]
    [TestCase(double.NaN)]
    public void SenselessSharesOfUnusableAnswersAreRefused(double share) => Assert.Throws<UserException>(
        () => new Attributor(Fixtures.Distance).Run(_keys, _world.Stranger("s"), _null, new AttributionOptions { MaxUnusable = share }));

    [Test]
    public void AModelThatAnswersTooLittleBreaksItsContract()
    {
        var silent = new Silent();
        Assert.That(Assert.Throws<UserException>(() => Judge(silent))!.Message, Does.Contain("0 answers to 30 queries"));
    }

    /// <summary>Results and null tables that users have keep their members.</summary>
    [Test]
    public void FilesNameTheMedoidAsTheyAlwaysDid()
    {
        var key = new KeyResult("p", 0.5, false, KeyReference.Medoid, 0.25, 0.5, false, true, null, "refused");
        string[] members =
        [
            "prompt", "distance", "hit", "reference", "to_training", "to_source", "closer_to_source", "for_paired", "image", "failure",
        ];
        Assert.That(Members(key), Is.EqualTo(members));
        Assert.That(JsonSerializer.Deserialize<KeyResult>(Json.Write(key), Json.Options), Is.EqualTo(key));
        members = ["name", "family", "split", "identity", "distances", "to_training", "to_source", "hits", "paired_wins", "failures"];
        Assert.That(Members(new NullModel("n", InnocentFamily.RealOwn, InnocentSplit.Null, "00", [1], [1], [1], 0, 0, 0)), Is.EqualTo(members));

        static IEnumerable<string> Members<T>(T value) => JsonSerializer.SerializeToElement(value, Json.Options).EnumerateObject().Select(m => m.Name);
    }

    [Test]
    public void ARepeatedRunGivesTheSameBytes()
    {
        string Run(ulong seed) => Json.Write(Judge(new StoredModel("half", _world.Source, 60), seed));
        string first = Run(7);
        Assert.That(Run(7), Is.EqualTo(first));
        Assert.That(Run(7), Is.Not.EqualTo(Run(8)));
    }

    [Test]
    public void TheSuspectIsAskedWithNoiseThatNobodyElseGot()
    {
        var copier = new StoredModel("copier", _world.Source, 10);
        var source = _world.SourceModel();
        var sel = _world.Stranger("sel");
        var keys = new KeySelector(Fixtures.Distance).Select(source, _world.Training, [Fixtures.Unopened(sel)], new KeySelectionOptions { Seed = 5 });
        var reference = _world.Stranger("reference");
        var table = new InnocentScorer(Fixtures.Distance).Score(
            keys, [(new Innocent("reference", InnocentFamily.RealOther, InnocentSplit.Null, reference.Identity, ""), Fixtures.Unopened(reference))], 5);
        new Attributor(Fixtures.Distance).Run(keys, copier, table, new AttributionOptions { Seed = 5 });
        var all = new[] { source, sel, reference, copier }.SelectMany(m => m.Asked).Select(q => q.Noise).ToArray();
        Assert.That(all.Distinct().Count(), Is.EqualTo(all.Length));
        Assert.That(copier.Asked, Has.Count.EqualTo(30));
    }

    [Test]
    public void WithoutInnocentsOfRealDataNothingIsShown()
    {
        var table = _world.Null(_keys, m => m.Family == InnocentFamily.RealOther);
        var result = new Attributor(Fixtures.Distance).Run(
            _keys, new StoredModel("copier", _world.Source, 10), table, new AttributionOptions()).Result;
        Assert.That(result.Verdict, Is.EqualTo("not shown"));
        Assert.That(result.PValue, Is.EqualTo(1));
        Assert.That(result.Reason, Does.Contain("no innocents trained on real pictures"));
        table = _world.Null(_keys, m => m.Family == InnocentFamily.RealOwn);
        result = new Attributor(Fixtures.Distance).Run(_keys, new StoredModel("copier", _world.Source, 10), table, new AttributionOptions()).Result;
        Assert.That(result.Verdict, Is.EqualTo("not shown"));
        Assert.That(result.Reason, Does.Contain("no innocents to compare"));
    }

    [Test]
    public void CalibratedThresholdIsTheQuantileOfTheCalInnocents()
    {
        var result = Judge(new StoredModel("copier", _world.Source, 10));
        double[] pool = [.. _null.Of(InnocentSplit.Cal).SelectMany(m => m.Distances)];
        var c = result.Calibrated!;
        Assert.That(c.Distances, Is.EqualTo(60));
        Assert.That(c.Threshold, Is.EqualTo(Quantile.Of(pool, 0.043)));
        Assert.That(c.Hits, Is.EqualTo(result.Keys.Count(k => k.Distance <= c.Threshold)));
        var others = _null.Of(InnocentSplit.Null).Where(m => m.Family == InnocentFamily.RealOther);
        int[] counts = [.. others.Select(m => m.Distances.Count(d => d <= c.Threshold))];
        Assert.That(c.Test.Families.Single(f => f.Family == "real-other").Counts, Is.EqualTo(counts));
        var without = _world.Null(_keys, m => m.Split == InnocentSplit.Null);
        Assert.That(
            new Attributor(Fixtures.Distance).Run(
                _keys, new StoredModel("copier", _world.Source, 10), without, new AttributionOptions()).Result.Calibrated,
            Is.Null);
    }

    [Test]
    public void ModelsOfTheOwnersPicturesDoNotCalibrateTheThreshold()
    {
        var own = Fixtures.Member("cal-own", InnocentFamily.RealOwn, InnocentSplit.Cal, _world.LawfulOwner);
        var other = Fixtures.Member("cal-other", InnocentFamily.RealOther, InnocentSplit.Cal, _world.Stranger);
        double Threshold(params (Innocent, UnopenedModel)[] cal)
        {
            var table = new InnocentScorer(Fixtures.Distance).Score(_keys, cal, 9);
            return new Attributor(Fixtures.Distance).Run(
                _keys, new StoredModel("copier", _world.Source, 10), table, new AttributionOptions()).Result.Calibrated!.Threshold;
        }
        Assert.That(Threshold(own, other), Is.EqualTo(Threshold(other)));
    }

    [Test]
    public void ADistanceEqualToTheThresholdIsAHit()
    {
        var outcome = new KeyOutcome(Answer.Failed("unused"), ToTraining: 0.4, ToMedoid: 0.15);
        Assert.That(KeyExaminer.Hits([_keys.Keys[0]], [outcome], 0.15), Is.EqualTo(1));
        Assert.That(KeyExaminer.Hits([_keys.Keys[0]], [outcome], Math.BitDecrement(0.15)), Is.Zero);
        Assert.That(KeyExaminer.Hits([_keys.Keys[0] with { ForConfidence = false }], [outcome], 0.15), Is.Zero);
        Assert.That(KeyExaminer.PairedWins([_keys.Keys[0]], [outcome]), Is.EqualTo(1));
        Assert.That(KeyExaminer.PairedWins([_keys.Keys[0]], [outcome with { ToTraining = 0.15 }]), Is.Zero, "a tie is no win");
    }

    [Test]
    public void ModelsTheTestIsBuiltOnCannotBeSuspects()
    {
        foreach (string identity in new[] { "stored:source", "stored:sel", "stored:other3", "stored:cal0" })
            Assert.That(
                Assert.Throws<UserException>(() => Judge(new StoredModel("x", _world.Source, 10) { Identity = identity }))!.Message,
                Does.Contain("same weights"),
                identity);
    }

    [Test]
    public void NullTablesThatDoNotBelongAreRefused()
    {
        var suspect = _world.Stranger("suspect");
        void Refused(NullTable table, string because) =>
            Assert.That(
                Assert.Throws<UserException>(
                    () => new Attributor(Fixtures.Distance).Run(_keys, suspect, table, new AttributionOptions()))!.Message,
                Does.Contain(because));
        Refused(_null with { KeysetSha256 = new string('0', 64) }, "key set");
        Refused(_null with { Metric = "tile" }, "tile");
        Refused(_null with { Models = [] }, "no innocents");
        Refused(_null with { Models = [.. _null.Models, _null.Models[0] with { Name = "again" }] }, "same model as");
        Refused(_null with { Models = [_null.Models[0] with { Identity = "stored:sel" }] }, "select these keys");
        Refused(_null with { Models = [_null.Models[0] with { Identity = "stored:source" }] }, "the source itself");
        Refused(_null with { Models = [_null.Models[0] with { Hits = 3 }] }, "do not agree");
        Refused(_null with { Models = [_null.Models[0] with { Distances = [0.1] }] }, "do not agree");
    }

    [Test]
    public void PairedKeysApartFromTheOthersAreCountedApart()
    {
        var keys = _world.Keys(new KeySelectionOptions { Count = 10, PairedCount = 14, Seed = 2 });
        var copier = new StoredModel("copier", _world.Source, 10);
        var result = new Attributor(Fixtures.Distance).Run(keys, copier, _world.Null(keys), new AttributionOptions()).Result;
        Assert.That(result.N, Is.EqualTo(10));
        Assert.That(result.Keys, Has.Count.EqualTo(10));
        Assert.That(result.PairedTest.Trials, Is.EqualTo(14));
        Assert.That(result.PairedOnlyKeys, Has.Count.EqualTo(keys.Keys.Count - 10));
        Assert.That(copier.Asked, Has.Count.EqualTo(keys.Keys.Count));
    }

    [Test]
    public void ResultJsonHasTheDocumentedNames()
    {
        var json = JsonNode.Parse(Json.Write(Judge(new StoredModel("copier", _world.Source, 10))))!.AsObject();
        string[] names =
        [
            "schema", "verdict", "conf", "hits", "n", "threshold", "metric", "p_value", "keys", "paired", "calibrated", "overlap", "conf_interval",
        ];
        foreach (string name in names)
            Assert.That(json.ContainsKey(name), name);
        var key = json["keys"]![0]!.AsObject();
        foreach (string name in new[] { "prompt", "distance", "hit" }) Assert.That(key.ContainsKey(name), name);
        Assert.That(json["conf_test"]!["families"]![0]!["family"]!.GetValue<string>(), Is.EqualTo("real-other"));
        var again = JsonSerializer.Deserialize<AttributionResult>(json.ToJsonString(), Json.Options)!;
        Assert.That(Json.Write(again), Is.EqualTo(Json.Write(Judge(new StoredModel("copier", _world.Source, 10)))));
    }

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(double.NaN)]
    public void SenselessLevelsAreRefused(double alpha) =>
        Assert.Throws<UserException>(
            () => new Attributor(Fixtures.Distance).Run(_keys, _world.Stranger("s"), _null, new AttributionOptions { Alpha = alpha }));

    [Test]
    public void OverlapIsTheShareOfKeyPrompts()
    {
        var prompts = _keys.Keys.Take(15).Select(k => k.Prompt).Append("something else").ToArray();
        var overlap = PromptOverlap.Of(PromptRegime.Natural, _keys, prompts, prompts[..6]);
        Assert.That(overlap, Is.EqualTo(new PromptOverlap(PromptRegime.Natural, 0.5, 0.2)));
    }

    private AttributionResult Judge(IImageModel suspect, ulong seed = 7) =>
        new Attributor(Fixtures.Distance).Run(_keys, suspect, _null, new AttributionOptions { Seed = seed }).Result;

    private static RgbImage Replace(RgbImage a, RgbImage b, int every) =>
        new(a.Width, a.Height, [.. a.Pixels.Select((p, i) => i % every == 0 ? b.Pixels[i] : p)]);

    private sealed class Silent : IImageModel
    {
        public string Name => "silent";

        public string Identity => "silent";

        public IReadOnlyList<Answer> Generate(IReadOnlyList<Query> queries, CancellationToken cancel = default) => [];
    }
}
