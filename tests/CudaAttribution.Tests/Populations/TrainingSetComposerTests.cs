using CudaAttribution.Answers;
using CudaAttribution.Data.Datasets;
using CudaAttribution.Images;
using CudaAttribution.Keys;
using CudaAttribution.Measures;
using CudaAttribution.Populations;
using CudaAttribution.Runs;
using CudaAttribution.Served;
using CudaAttribution.Tests.World;

namespace CudaAttribution.Tests.Populations;

public class TrainingSetComposerTests
{
    private readonly TestWorld _world = new();

    private string[] Pool => [.. _world.Training.Items.Select(i => i.Caption)];

    [TestCase(1.0, 20, 20)]
    [TestCase(0.5, 20, 10)]
    [TestCase(0.3, 15, 5)]
    [TestCase(0.0, 20, 0)]
    public void TheShareOfGeneratedPicturesIsRho(double rho, int count, int generated)
    {
        var set = Compose(new ModelPlan { Name = "s", Rho = rho, Count = count, Seed = 3 });
        Assert.That(set.Count, Is.EqualTo(count));
        Assert.That(TrainingSetComposer.GeneratedPrompts(set), Has.Count.EqualTo(generated));
        Assert.That(set.Items.Select(i => i.Caption).Distinct().Count(), Is.EqualTo(count), "no prompt twice while there are enough");
    }

    [Test]
    public void GeneratedPicturesAreTheSourcesWithFreshNoise()
    {
        var source = _world.SourceModel();
        var set = Compose(new ModelPlan { Name = "s", Rho = 1, Count = 90, Seed = 3 }, source);
        Assert.That(source.Asked.Select(q => q.Noise).Distinct().Count(), Is.EqualTo(90));
        Assert.That(source.Asked.All(q => q.Noise.Stream.StartsWith("TrainingData/", StringComparison.Ordinal)));
        // 60 prompts for 90 pictures: half of them come twice, with different pictures.
        foreach (var same in set.Items.GroupBy(i => i.Caption).Where(g => g.Count() > 1))
            Assert.That(same.First().Image, Is.Not.EqualTo(same.Last().Image));
        Assert.That(set.Items.All(i => Fixtures.Distance.Between(i.Image.Read(), _world.Source[i.Caption]) < 0.05));
    }

    [Test]
    public void ASourceThatIsOpenedWithOtherGuidanceThanPlannedIsRefused()
    {
        var source = new StoredModel("source", _world.Source, 10) { Sampling = new SamplingRecipe { Guidance = 2.5 } };
        var plan = new ModelPlan { Name = "s", Rho = 1, Count = 5, SourceGuidance = 2.5 };
        Assert.DoesNotThrow(() => Compose(plan, source));
        Assert.That(
            () => Compose(plan with { SourceGuidance = 3 }, source),
            Throws.TypeOf<UserException>().With.Message.Contains("planned with guidance 3, the source is opened with 2.5"));
    }

    /// <summary>3,000 pictures of 512 x 512 would be 2.4 GB: a round is asked for when its first picture is taken.</summary>
    [Test]
    public void TheSourceIsAskedAsThePicturesAreTaken()
    {
        var source = _world.SourceModel();
        var plan = new ModelPlan { Name = "s", Rho = 1, Count = 90, Seed = 3 };
        using var taken = TrainingSetComposer.Compose(plan, new ModelInputs { Source = source, PromptPool = Pool }).GetEnumerator();
        Assert.That(source.Asked, Is.Empty);
        for (int i = 0; i < 90; i++)
        {
            Assert.That(taken.MoveNext());
            Assert.That(source.Asked, Has.Count.EqualTo(Math.Min(90, (i / 32 + 1) * 32)), $"{i}");
        }
    }

    [Test]
    public void RegimesDrawTheirPrompts()
    {
        var keys = _world.Keys(new KeySelectionOptions { Count = 12, Seed = 5 });
        var keyPrompts = keys.Keys.Select(k => k.Prompt).ToHashSet();
        double Kappa(PromptRegime regime, double rho)
        {
            var plan = new ModelPlan { Name = "s", Rho = rho, Count = 30, Regime = regime, Seed = 8 };
            var set = Compose(plan, keys: keys);
            return PromptOverlap.Of(regime, keys, [.. set.Items.Select(i => i.Caption)], TrainingSetComposer.GeneratedPrompts(set)).Kappa!.Value;
        }
        Assert.That(Kappa(PromptRegime.Forced, 1), Is.EqualTo(1));
        Assert.That(Kappa(PromptRegime.Forced, 0.5), Is.EqualTo(1));
        Assert.That(Kappa(PromptRegime.Disjoint, 1), Is.Zero);
        Assert.That(Kappa(PromptRegime.Disjoint, 0.5), Is.Zero);
        Assert.That(Kappa(PromptRegime.Natural, 1), Is.InRange(0.1, 0.9));
        Assert.That(keyPrompts, Has.Count.EqualTo(12));
    }

    [Test]
    public void TheSeedDecidesEverything()
    {
        string Hash(ulong seed) => Compose(new ModelPlan { Name = "s", Rho = 0.5, Count = 20, Seed = seed }).Hash;
        string first = Hash(1);
        Assert.That(Hash(1), Is.EqualTo(first));
        Assert.That(Hash(2), Is.Not.EqualTo(first));
    }

    [Test]
    public void WhatIsMissingIsNamed()
    {
        var plan = new ModelPlan { Name = "s", Rho = 0.5, Count = 20 };
        var keys = _world.Keys();
        Refused(plan with { Rho = 1.1 }, new(), "rho of 's' is 1.1");
        Refused(plan with { Count = 0 }, new(), "0 pictures");
        Refused(plan with { Regime = PromptRegime.Unknown }, new(), "regime of 's' is unknown");
        Refused(plan, new(), "no prompts");
        Refused(plan, new() { PromptPool = Pool }, "no source");
        Refused(plan, new() { PromptPool = Pool, Source = _world.SourceModel() }, "no data set");
        Refused(plan, new() { PromptPool = Pool, Source = _world.SourceModel(), Real = _world.Training.Take(9) }, "needs 10 real pictures");
        Refused(plan with { Regime = PromptRegime.Forced }, new() { PromptPool = Pool }, "needs the keys");
        Refused(plan with { Regime = PromptRegime.Forced }, new() { PromptPool = Pool, Keys = [keys] }, "10 generated pictures for 30 key prompts");
        var silent = new StoredModel("s", new Dictionary<string, RgbImage>(), 0) { Refused = ["unknown"] };
        Refused(plan, new() { PromptPool = ["unknown"], Source = silent, Real = _world.Training }, "gave no picture for 'unknown' (refused)");
    }

    /// <summary>Nobody is asked again: the pictures are those that were served to the account, pixel for pixel.</summary>
    [Test]
    public void AnAccountsPicturesAreTakenFromTheLog()
    {
        var source = _world.SourceModel();
        var folder = new RunFolder(TestFolder.New("log"));
        ServedLogDraw.Draw(folder, source, [new("ada", 20), new("ben", 20)], Pool, 4, AnswerStore.InMemory());
        var log = ServedLogReader.Read(folder.Root);
        int served = source.Asked.Count;
        var plan = new ModelPlan { Name = "s", Rho = 0.5, Count = 20, Account = "ben", Seed = 3 };
        var inputs = new ModelInputs { Source = source, Log = log, Real = _world.Training };
        CaptionedImage[] set = [.. TrainingSetComposer.Compose(plan, inputs)], all = [.. TrainingSetComposer.Compose(plan with { Rho = 1 }, inputs)];
        var pictures = log.Pictures.Where(p => p.Account == "ben").ToDictionary(p => (p.Prompt, p.PixelHash));
        string[] taken = [.. all.Select(i => ImageHash.Of(i.Image.Read()))];
        using (Assert.EnterMultipleScope())
        {
            Assert.That(source.Asked, Has.Count.EqualTo(served), "nobody asks the source again");
            Assert.That(all.Select((i, k) => (i.Caption, taken[k])), Is.EquivalentTo(pictures.Keys));
            Assert.That(set.Take(10).Select(i => (i.Caption, ImageHash.Of(i.Image.Read()))), Is.SubsetOf(pictures.Keys).And.Unique);
            Assert.That(set.Skip(10).Select(i => i.Caption), Has.None.Matches<string>(c => set.Take(10).Any(i => i.Caption == c)));
            Assert.That(TrainingSetComposer.GeneratedPrompts(new("set", set)), Is.EqualTo(set.Take(10).Select(i => i.Caption)));
            Assert.That(
                TrainingSetComposer.Compose(plan with { Seed = 4 }, inputs).Take(10).Select(i => i.Caption), Is.Not.EqualTo(set.Take(10).Select(i => i.Caption)));
        }
        Refused(plan with { Count = 60 }, inputs, "takes 30 pictures that were served to 'ben'; there are 20");
        Refused(plan with { Account = "eve" }, inputs, "served to 'eve'; there are 0");
        Refused(plan, inputs with { Log = null }, "there is no log");
        Refused(plan with { Rho = 0 }, inputs, "has none, or a regime");
        Refused(plan with { Regime = PromptRegime.Forced }, inputs, "has none, or a regime");
    }

    private static void Refused(ModelPlan plan, ModelInputs inputs, string problem) => Assert.That(
        () => TrainingSetComposer.Compose(plan, inputs).Count(), Throws.TypeOf<UserException>().With.Message.Contains(problem));

    private CaptionedDataset Compose(ModelPlan plan, IImageModel? source = null, KeySet? keys = null) => new("test", TrainingSetComposer.Compose(
        plan, new ModelInputs { Source = source ?? _world.SourceModel(), PromptPool = Pool, Real = _world.Training, Keys = keys is null ? [] : [keys] }));
}
