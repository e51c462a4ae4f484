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
    public void ACopierIsAboveAllReferences()
    {
        var result = Examine(new StoredModel("copier", _world.Source, 15), alpha: 0.2);
        Assert.Multiple(() =>
        {
            Assert.That(result.Indications.Select(i => i.Name), Is.EqualTo((string[])["conf", "conf-calibrated", "paired"]));
            Assert.That((result.Conf.Count, result.Conf.Trials, result.Conf.Share), Is.EqualTo((30, 30, 1.0)));
            Assert.That((result.Paired.Count, result.Paired.Trials, result.Paired.Share), Is.EqualTo((30, 30, 1.0)));
            foreach (var i in result.Indications)
            {
                Assert.That(i.PValue, Is.EqualTo(1 / 5.0), i.Name);
                Assert.That(i.Families.Select(f => (f.Family, f.References, f.Enough)), Is.EqualTo(
                    [("real-other", 6, true), ("real-same", 4, true), ("real-own", 4, true), ("sibling", 4, true), ("twin", 4, true)]), i.Name);
                Assert.That(i.Families.Select(f => f.PValue), Is.EqualTo((double?[])[1 / 7.0, 0.2, 0.2, 0.2, 0.2]), i.Name);
            }
            Assert.That(result.Published, Is.EqualTo(PublishedRule.Of(30, 30, 0.2)));
            Assert.That(result.Unusable, Is.Null);
        });
        Assert.That(
            Examine(new StoredModel("copier", _world.Source, 15)).Indications.Select(i => (i.PValue, i.WithoutP?[..18])),
            Is.All.EqualTo(((double?)null, "too few references")), "at the level that is usual");
    }

    /// <summary>Where the source reproduces its training pictures closely, a lawful model of those pictures hits the keys as well.</summary>
    [Test]
    public void ALawfulTwinIsAccusedByThePublishedRuleAndNotByRanks()
    {
        var faithful = _world.Real.ToDictionary(p => p.Key, p => Replace(p.Value, _world.Source[p.Key], every: 16));
        var source = new StoredModel("source", faithful, 8);
        var keys = new KeySelector(Fixtures.Distance).Select(source, _world.Training, [Fixtures.Unopened(_world.Stranger("sel"))], new KeySelectionOptions { Seed = 5 });
        var table = _world.Null(keys);
        var lawful = new Attributor(Fixtures.Distance).Run(keys, new StoredModel("lawful", _world.Real, 10), table, new AttributionOptions { Alpha = 0.2 }).Result;
        Assert.Multiple(() =>
        {
            Assert.That(lawful.Conf.Share, Is.EqualTo(1));
            Assert.That(lawful.Published, Has.Property("Accuses").True);
            Assert.That(lawful.Conf.Families.Select(f => f.PValue), Is.EqualTo((double?[])[1 / 7.0, 0.2, 1, 0.2, 1]));
            Assert.That(lawful.Conf.PValue, Is.EqualTo(1));
            Assert.That(lawful.Paired.Share, Is.LessThan(0.2));
            Assert.That(lawful.Paired.PValue, Is.GreaterThan(0.2));
        });
    }

    [Test]
    public void AStrangerIsAmongTheReferences()
    {
        var result = Examine(_world.Stranger("suspect"), alpha: 0.2);
        Assert.Multiple(() =>
        {
            Assert.That(result.Conf.Count, Is.Zero);
            Assert.That(result.Conf.PValue, Is.EqualTo(1));
            Assert.That(result.Published, Is.EqualTo(new PublishedRule(0.043, 3, 0, 1, false)));
        });
    }

    /// <summary>Counts of references, read off the table's distances by hand.</summary>
    [Test]
    public void EveryFamilyHasTheCountsOfItsNullMembers()
    {
        var result = Examine(_world.Stranger("suspect"));
        foreach (var family in InnocentFamilies.Required)
        {
            NullModel[] members = [.. _null.Models.Where(m => m.Family == family && m.Split == InnocentSplit.Null)];
            Counts(result.Conf, members.Select(m => m.Distances.Count(d => d <= 0.15)));
            Counts(result.Indications[1], members.Select(m => m.Distances.Count(d => d <= result.Calibrated!.Threshold)));
            Counts(result.Paired, members.Select(m => m.ToMedoid.Zip(m.ToTraining).Count(d => d.First < d.Second)));

            void Counts(Indication i, IEnumerable<int> counts) =>
                Assert.That(i.Families.Single(f => f.Family == family.Name()).Counts, Is.EqualTo(counts), $"{i.Name}, {family}");
        }
    }

    [Test]
    public void WithoutReferencesThereAreSharesAndThePublishedRule()
    {
        var run = new Attributor(Fixtures.Distance).Run(_keys, new StoredModel("copier", _world.Source, 15), nulls: null, new AttributionOptions());
        Assert.Multiple(() =>
        {
            Assert.That(run.Nulls, Is.Null);
            Assert.That(run.Result.Indications.Select(i => (i.Name, i.Share, i.PValue, i.WithoutP, i.ModelBased)), Is.EqualTo(
                [("conf", 1.0, (double?)null, "there are no references", (ModelTail?)null), ("paired", 1.0, null, "there are no references", null)]));
            Assert.That(run.Result.Calibrated, Is.Null);
            Assert.That(run.Result.Published, Is.EqualTo(PublishedRule.Of(30, 30, 0.01)));
            Assert.That(run.Result.Published!.Accuses);
        });
    }

    [Test]
    public void RefusedAnswersAreMissesAtTheMaximum()
    {
        var refusing = new StoredModel("refusing", _world.Source, 10) { Refused = [.. _keys.Keys.Take(12).Select(k => k.Prompt)] };
        var result = Examine(refusing);
        Assert.Multiple(() =>
        {
            Assert.That((result.Conf.Trials, result.Conf.Count, result.Conf.Share), Is.EqualTo((30, 18, 0.6)));
            Assert.That(result.Failures, Is.EqualTo(12));
            Assert.That(result.Keys.Take(12).All(k => k is { Distance: 1, Hit: false, CloserToMedoid: false, Image: null, Failure: "refused" }));
            Assert.That(result.Paired.Count, Is.EqualTo(18));
        });
    }

    [Test]
    public void WithTooManyUnusableAnswersNothingHasAP()
    {
        string[] prompts = [.. _keys.Keys.Select(k => k.Prompt)];
        int most = (int)(0.2 * prompts.Length);
        Assert.That(Refusing(most), Has.Property("Unusable").Null);
        Assert.That(Refusing(most).Published, Is.Not.Null);
        var refusing = Refusing(most + 1);
        Assert.That(refusing.Unusable, Is.EqualTo(new Usability(prompts.Length, most + 1, 0.2, "refused")));
        Assert.That(refusing.Published, Is.Null);
        Assert.That(refusing.Indications, Has.Count.EqualTo(3));
        Assert.That(refusing.Indications.SelectMany(i => i.Families).Select(f => f.PValue), Is.All.Null);
        Assert.That(refusing.Indications.Select(i => (i.PValue, i.WithoutP)), Is.All.EqualTo(((double?)null, refusing.Unusable!.ToString())));
        Assert.That(refusing.Conf.Count, Is.EqualTo(prompts.Length - most - 1));
        var black = prompts.ToDictionary(p => p, _ => RgbImage.Filled(8, 8, 0, 0, 0));
        Assert.That(Examine(new StoredModel("black", black, 0)).Conf.WithoutP, Does.Contain("the picture is all black"));
        var same = prompts.ToDictionary(p => p, _ => _world.Source[prompts[0]]);
        Assert.That(Examine(new StoredModel("same", same, 0)), Has.Property("Unusable").Not.Null.And.Property("Failures").Zero);
        Assert.That(Refusing(most + 1, 0.5), Has.Property("Unusable").Null);

        AttributionResult Refusing(int answers, double maxUnusable = 0.2) => new Attributor(Fixtures.Distance).Run(
            _keys, new StoredModel("refusing", _world.Source, 10) { Refused = [.. prompts.Take(answers)] }, _null,
            new AttributionOptions { MaxUnusable = maxUnusable }).Result;
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
        Assert.That(Assert.Throws<UserException>(() => Examine(silent))!.Message, Does.Contain("0 answers to 30 queries"));
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
        string Run(ulong seed) => Json.Write(Examine(new StoredModel("half", _world.Source, 60), seed));
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
    public void CalibratedThresholdIsTheQuantileOfTheCalInnocents()
    {
        var result = Examine(new StoredModel("copier", _world.Source, 10));
        double[] pool = [.. _null.Of(InnocentSplit.Cal).SelectMany(m => m.Distances)];
        var c = result.Calibrated!;
        Assert.That(c, Is.EqualTo(new CalibratedThreshold(Quantile.Of(pool, 0.043), 0.043, 60)));
        var indication = result.Indications.Single(i => i.Name == "conf-calibrated");
        Assert.That(indication.Count, Is.EqualTo(result.Keys.Count(k => k.Distance <= c.Threshold)));
        var without = _world.Null(_keys, m => m.Split == InnocentSplit.Null);
        var uncalibrated = new Attributor(Fixtures.Distance).Run(_keys, new StoredModel("copier", _world.Source, 10), without, new AttributionOptions()).Result;
        Assert.That(uncalibrated.Calibrated, Is.Null);
        Assert.That(uncalibrated.Indications.Select(i => i.Name), Is.EqualTo((string[])["conf", "paired"]));
        Assert.That(
            new Attributor(Fixtures.Distance).Run(
                _keys, new StoredModel("copier", _world.Source, 10), _null, new AttributionOptions { CalibrationQuantile = 0.5 }).Result.Calibrated!.Threshold,
            Is.EqualTo(Quantile.Of(pool, 0.5)));
    }

    [Test]
    public void ModelsOfTheOwnersPicturesDoNotCalibrateTheThreshold()
    {
        var own = Fixtures.Member("cal-own", InnocentFamily.RealOwn, InnocentSplit.Cal, _world.LawfulOwner);
        var twin = Fixtures.Member("cal-twin", InnocentFamily.Twin, InnocentSplit.Cal, _world.LawfulOwner);
        var other = Fixtures.Member("cal-other", InnocentFamily.RealOther, InnocentSplit.Cal, _world.Stranger);
        double Threshold(params (Innocent, UnopenedModel)[] cal)
        {
            var table = new InnocentScorer(Fixtures.Distance).Score(_keys, cal, 9);
            return new Attributor(Fixtures.Distance).Run(
                _keys, new StoredModel("copier", _world.Source, 10), table, new AttributionOptions()).Result.Calibrated!.Threshold;
        }
        Assert.That(Threshold(own, other, twin), Is.EqualTo(Threshold(other)));
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
    public void ModelsThatKeysAndReferencesAreMadeOfCannotBeSuspects()
    {
        foreach (string identity in new[] { "stored:source", "stored:sel", "stored:other3", "stored:twin3", "stored:cal0" })
            Assert.That(
                Assert.Throws<UserException>(() => Examine(new StoredModel("x", _world.Source, 10) { Identity = identity }))!.Message,
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
        Assert.That(result.Conf.Trials, Is.EqualTo(10));
        Assert.That(result.Keys, Has.Count.EqualTo(10));
        Assert.That(result.Paired.Trials, Is.EqualTo(14));
        Assert.That(result.PairedOnlyKeys, Has.Count.EqualTo(keys.Keys.Count - 10));
        Assert.That(copier.Asked, Has.Count.EqualTo(keys.Keys.Count));
    }

    [Test]
    public void ResultJsonHasTheDocumentedNames()
    {
        var json = JsonNode.Parse(Json.Write(Examine(new StoredModel("copier", _world.Source, 10))))!.AsObject();
        string[] names =
        [
            "schema", "suspect", "suspect_identity", "metric", "threshold", "calibrated", "alpha", "interval_level", "indications", "published", "overlap",
            "keyset_sha256", "seed", "failures", "keys", "paired_only_keys",
        ];
        Assert.That(json.Select(m => m.Key), Is.EqualTo(names));
        Assert.That((string?)json["schema"], Is.EqualTo("cudattr-result-2"));
        Assert.That(json["indications"]![0]!.AsObject().Select(m => m.Key), Is.EqualTo((string[])
            ["name", "count", "trials", "share", "interval", "p_value", "without_p", "families", "model_based"]));
        Assert.That(json["indications"]![0]!["families"]![0]!.AsObject().Select(m => m.Key), Is.EqualTo((string[])
            ["family", "references", "counts", "p_value", "floor", "enough"]));
        Assert.That(json["indications"]![0]!["model_based"]!.AsObject().Select(m => m.Key), Is.EqualTo((string[])["p_low", "p_high"]));
        Assert.That(json["published"]!.AsObject().Select(m => m.Key), Is.EqualTo((string[])["rate", "needed", "hits", "p", "accuses"]));
        Assert.That(json.ToJsonString(), Does.Not.Contain("verdict").And.Not.Contain("infring"));
        var again = JsonSerializer.Deserialize<AttributionResult>(json.ToJsonString(), Json.Options)!;
        Assert.That(Json.Write(again), Is.EqualTo(Json.Write(Examine(new StoredModel("copier", _world.Source, 10)))));
    }

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(double.NaN)]
    public void SenselessLevelsAreRefused(double level)
    {
        using (Assert.EnterMultipleScope())
        {
            Refused(new AttributionOptions { Alpha = level }, "the alpha");
            Refused(new AttributionOptions { CalibrationQuantile = level }, "the calibration quantile");
            Refused(new AttributionOptions { IntervalLevel = level }, "the interval level");
        }

        void Refused(AttributionOptions options, string which) => Assert.That(
            () => new Attributor(Fixtures.Distance).Run(_keys, _world.Stranger("s"), _null, options),
            Throws.TypeOf<UserException>().With.Message.StartsWith(which));
    }

    [Test]
    public void OverlapIsTheShareOfKeyPrompts()
    {
        var prompts = _keys.Keys.Take(15).Select(k => k.Prompt).Append("something else").ToArray();
        var overlap = PromptOverlap.Of(PromptRegime.Natural, _keys, prompts, prompts[..6]);
        Assert.That(overlap, Is.EqualTo(new PromptOverlap(PromptRegime.Natural, 0.5, 0.2)));
    }

    private AttributionResult Examine(IImageModel suspect, ulong seed = 7, double alpha = 0.01) =>
        new Attributor(Fixtures.Distance).Run(_keys, suspect, _null, new AttributionOptions { Seed = seed, Alpha = alpha }).Result;

    private static RgbImage Replace(RgbImage a, RgbImage b, int every) =>
        new(a.Width, a.Height, [.. a.Pixels.Select((p, i) => i % every == 0 ? b.Pixels[i] : p)]);

    private sealed class Silent : IImageModel
    {
        public string Name => "silent";

        public string Identity => "silent";

        public IReadOnlyList<Answer> Generate(IReadOnlyList<Query> queries, CancellationToken cancel = default) => [];
    }
}
