using CudaAttribution.Answers;
using CudaAttribution.Data.Datasets;
using CudaAttribution.Images;
using CudaAttribution.Keys;
using CudaAttribution.Measures;
using CudaAttribution.Runs;
using CudaAttribution.Tensors.Ops;
using CudaAttribution.Tests.World;

namespace CudaAttribution.Tests.Keys;

public class KeySelectorTests
{
    private readonly TestWorld _world = new();

    [Test]
    public void GenerateTakesThePromptsOnWhichTheSourceIsMostConsistent()
    {
        // Noise grows with the number of the picture: the first ten are the most consistent ones.
        var source = new GradedModel(_world.Source, i => 4 + 2 * i);
        var keys = Select(source, new KeySelectionOptions { Count = 10, Lambda = 0 });
        Assert.That(keys.Keys.Select(k => k.TrainingId).Order(), Is.EqualTo(_world.Training.Items.Take(10).Select(p => p.Id)));
        Assert.That(keys.Keys, Is.Ordered.By(nameof(Key.Score)));
        Assert.That(keys.Keys.All(k => k is { Reference: KeyReference.Medoid, ForConfidence: true, ForPaired: true } && k.Score == k.Dispersion));
    }

    [Test]
    public void DetectTakesThePicturesThatTheSourceReproducesBest()
    {
        var source = new GradedModel(_world.Real, i => 4 + 2 * i);
        var keys = Select(source, new KeySelectionOptions { Strategy = KeyStrategy.Detect, Count = 10, Lambda = 0 });
        Assert.That(keys.Keys.Select(k => k.TrainingId).Order(), Is.EqualTo(_world.Training.Items.Take(10).Select(p => p.Id)));
        Assert.That(keys.Keys.All(k => k.Reference == KeyReference.Training && k.Score == k.Reconstruction));
        Assert.That(keys.Keys.All(k => k.ReferenceImage.Equals(_world.Training[k.TrainingId].Image.Read())));
    }

    [Test]
    public void FiguresOfAKeyAreThoseOfItsDefinition()
    {
        var source = _world.SourceModel();
        var sel = _world.Stranger("sel");
        var key = new KeySelector(Fixtures.Distance).Select(
            source, _world.Training, [Fixtures.Unopened(sel)], new KeySelectionOptions { Count = 1, Draws = 3, Seed = 4 }).Keys[0];
        var draws = source.Asked.Where(q => q.Prompt == key.Prompt).Take(3).ToArray().Select(q => source.Generate([q])[0].Image!).ToArray();
        var fromInnocent = sel.Generate([sel.Asked.Single(q => q.Prompt == key.Prompt)])[0].Image!;
        double D(RgbImage a, RgbImage b) => Fixtures.Distance.Matrix([a], [b])[0, 0];
        double[] pairs = [.. new[] { D(draws[0], draws[1]), D(draws[0], draws[2]), D(draws[1], draws[2]) }.Order()];
        var medoid = draws.MinBy(d => draws.Sum(e => D(d, e)))!;
        Assert.Multiple(() =>
        {
            Assert.That(key.Medoid, Is.EqualTo(medoid));
            Assert.That(key.Dispersion, Is.EqualTo(pairs[1]));
            Assert.That(key.Reconstruction, Is.EqualTo(draws.Min(d => D(key.Training, d))));
            Assert.That(key.Innocent, Is.EqualTo(D(medoid, fromInnocent)));
            Assert.That(key.Divergence, Is.EqualTo(D(key.Training, medoid)));
            Assert.That(key.Score, Is.EqualTo(key.Dispersion - key.Innocent));
        });
    }

    [Test]
    public void RandomKeysAreUnfilteredAndFollowTheSeed()
    {
        KeySet Draw(ulong seed) => Select(_world.SourceModel(), new KeySelectionOptions { Strategy = KeyStrategy.Random, Seed = seed });
        string[] first = [.. Draw(1).Keys.Select(k => k.Prompt)];
        Assert.That(Draw(1).Keys.Select(k => k.Prompt), Is.EqualTo(first));
        Assert.That(Draw(1).Keys.Select(k => k.Prompt), Is.Not.EqualTo(Draw(2).Keys.Select(k => k.Prompt)));
        Assert.That(Draw(1).Keys.All(k => k is { Score: null, Innocent: null, Reference: KeyReference.Training }));
        Assert.That(Draw(1).Header.SelIdentities, Is.Empty);
        var asked = _world.SourceModel();
        new KeySelector(Fixtures.Distance).Select(
            asked, _world.Training, [], new KeySelectionOptions { Strategy = KeyStrategy.Random, Count = 7, Draws = 2 });
        Assert.That(asked.Asked.Select(q => q.Prompt).Distinct().Count(), Is.EqualTo(7), "only the keys are asked for");
    }

    [Test]
    public void KeysThatAnInnocentAnswersTooAreDropped()
    {
        var common = _world.Training.Items.Take(20).Select(p => p.Caption).ToHashSet();
        var knows = new StoredModel("knows", _world.Other, 10) { Instead = common.ToDictionary(c => c, c => _world.Source[c]) };
        var keys = new KeySelector(Fixtures.Distance).Select(_world.SourceModel(), _world.Training, [Fixtures.Unopened(knows)], new KeySelectionOptions());
        Assert.That(keys.Keys.Select(k => k.Prompt).Intersect(common), Is.Empty);
        Assert.That(keys.Header.Selection, Is.EqualTo(new SelectionReport(60, 0, 20, 0, 0, 0, 0, 30, 0)));
        Assert.That(keys.Header.SelIdentities, Is.EqualTo(new[] { knows.Identity }));
    }

    [Test]
    public void PromptsThatASuspectCannotBeAskedAreNoCandidates()
    {
        var left = _world.Training.Items.Take(20).Select(p => p.Caption).ToHashSet();
        var source = _world.SourceModel();
        var keys = new KeySelector(Fixtures.Distance).Select(source, _world.Training, [], new KeySelectionOptions(), askable: p => !left.Contains(p));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(source.Asked.Select(q => q.Prompt).Intersect(left), Is.Empty, "not even by the source");
            Assert.That(keys.Header.Selection, Is.EqualTo(new SelectionReport(40, 0, 0, 0, 0, 0, 0, 30, 0, 20)));
            Assert.That(keys.Header.Selection.ToString(), Does.EndWith("; 20 prompts were left out, which a suspect does not take as text"));
            Assert.That(keys.Header.TrainingHash, Is.EqualTo(_world.Training.Hash), "that of all pictures");
            Assert.That(
                () => new KeySelector(Fixtures.Distance).Select(source, _world.Training, [], new KeySelectionOptions { Count = 41 }, askable: p => !left.Contains(p)),
                Throws.TypeOf<UserException>().With.Message.Contains("41 keys are wanted and of 60 pairs 20 have prompts that a suspect does not take as text"));
        }
        var all = new KeySelector(Fixtures.Distance).Select(_world.SourceModel(), _world.Training, [], new KeySelectionOptions(), askable: _ => true);
        Assert.That(all.Hash, Is.EqualTo(Select(_world.SourceModel(), new KeySelectionOptions()).Hash));
        Assert.That(Json.Write(all.Header.Selection), Does.Not.Contain("not_askable"), "keys that were frozen before stay what they are");
        string folder = TestFolder.New("frozen");
        keys.Save(folder);
        Assert.That(KeySet.Load(folder).Hash, Is.EqualTo(keys.Hash));
    }

    [Test]
    public void LookAlikesAndRepeatedPromptsAreKeptOnce()
    {
        var prompts = _world.Training.Items.Select(p => p.Caption).ToArray();
        var same = prompts.Skip(30).Take(15).ToDictionary(c => c, _ => _world.Source[prompts[0]]);
        var twins = new StoredModel("source", _world.Source, 10) { Instead = same };
        var keys = Select(twins, new KeySelectionOptions { Count = 40, Lambda = 0 });
        for (int i = 0; i < 40; i++)
        {
            for (int j = 0; j < i; j++) Assert.That(Fixtures.Distance.Between(keys.Keys[i].Medoid, keys.Keys[j].Medoid), Is.GreaterThan(0.15));
        }
    }

    [TestCase(KeyStrategy.Generate, TestName = "ACaptionIsAKeyOnceThoughItHasTwoPictures")]
    [TestCase(KeyStrategy.Detect, TestName = "ACaptionIsAKeyOnceThoughItsTwoPicturesAreFarApart")]
    public void ACaptionIsAKeyOnce(KeyStrategy strategy)
    {
        var prompts = _world.Training.Items.Select(p => p.Caption).ToArray();
        var repeated = new CaptionedDataset("repeated", _world.Training.Items.Select(p => p.WithCaption(prompts[int.Parse(p.Id[1..]) / 2])));
        var options = new KeySelectionOptions { Strategy = strategy, Count = 31, MaxDispersion = 10 };
        Assert.That(
            Assert.Throws<UserException>(() => new KeySelector(Fixtures.Distance).Select(_world.SourceModel(), repeated, [], options))!.Message,
            Does.Contain("30 duplicates"));
        var keys = new KeySelector(Fixtures.Distance).Select(_world.SourceModel(), repeated, [], options with { Count = 30 });
        Assert.That(keys.Keys.Select(k => k.Prompt), Is.Unique);
    }

    [Test]
    public void TooFewKeysNamesTheFilterAndTheRemedy()
    {
        var knows = new StoredModel("knows", _world.Source, 10);
        var error = Assert.Throws<UserException>(
            () => new KeySelector(Fixtures.Distance).Select(_world.SourceModel(), _world.Training, [Fixtures.Unopened(knows)], new KeySelectionOptions()))!;
        Assert.That(
            error.Message, Does.Contain("30 keys are wanted, 0 are left").And.Contain("60 not distinctive").And.Contain("use other SEL innocents"));
        error = Assert.Throws<UserException>(() => Select(_world.SourceModel(), new KeySelectionOptions { MaxDispersion = 0.001 }))!;
        Assert.That(error.Message, Does.Contain("60 inconsistent").And.Contain("larger dispersion"));
        error = Assert.Throws<UserException>(() => Select(_world.LawfulOwner("source"), new KeySelectionOptions { MinDivergence = 0.3 }))!;
        Assert.That(error.Message, Does.Contain("60 too close to the training picture").And.Contain("less divergence"));
        error = Assert.Throws<UserException>(() => Select(_world.SourceModel(), new KeySelectionOptions { Count = 61 }))!;
        Assert.That(error.Message, Does.Contain("61 keys").And.Contain("60 pairs"));
    }

    [Test]
    public void PromptsThatTheSourceDoesNotAnswerFallOut()
    {
        var source = new StoredModel("source", _world.Source, 10) { Refused = [.. _world.Training.Items.Take(25).Select(p => p.Caption)] };
        var keys = Select(source, new KeySelectionOptions());
        Assert.That(keys.Header.Selection.Unanswered, Is.EqualTo(25));
        Assert.That(keys.Keys.Select(k => k.Prompt).Intersect(source.Refused), Is.Empty);
    }

    [Test]
    public void PairedKeysAreTheMostDivergentOnes()
    {
        var keys = Select(_world.SourceModel(), new KeySelectionOptions { Count = 10, PairedCount = 12, Lambda = 0 });
        Assert.That(keys.ConfidenceCount, Is.EqualTo(10));
        Assert.That(keys.PairedCount, Is.EqualTo(12));
        double least = keys.Keys.Where(k => k.ForPaired).Min(k => k.Divergence);
        Assert.That(keys.Keys.Where(k => !k.ForPaired).All(k => k.Divergence <= least));
        Assert.That(keys.Keys.All(k => k.ForConfidence || k.ForPaired));
        Assert.That(keys.Header.Selection.PairedOnly, Is.EqualTo(keys.Keys.Count - 10));
    }

    [Test]
    public void KeysThatInnocentsFindCloserToTheSourceCanBeLeftOut()
    {
        // Innocents answer the first twenty prompts with something nearer to the source's picture than to the real one.
        var leaning = _world.Training.Items.Take(20).ToDictionary(p => p.Caption, p => Halfway(_world.Source[p.Caption], _world.Other[p.Caption]));
        var sel = new StoredModel("sel", _world.Other, 10) { Instead = leaning };
        KeySet Choose(double? most) =>
            new KeySelector(Fixtures.Distance).Select(
                _world.SourceModel(), _world.Training, [Fixtures.Unopened(sel)], new KeySelectionOptions { Count = 10, MaxInnocentPaired = most });
        Assert.That(Choose(0).Keys.All(k => k.InnocentPaired == 0));
        Assert.That(Choose(0).Header.Selection.Biased, Is.GreaterThanOrEqualTo(20));
        Assert.That(Choose(null).Header.Selection.Biased, Is.Zero);
        Assert.That(Choose(null).Keys.Any(k => k.InnocentPaired == 1));

        static RgbImage Halfway(RgbImage a, RgbImage b) => new(
            a.Width, a.Height, [.. a.Pixels.Zip(b.Pixels).Select((p, i) => i % 2 == 0 ? p.First : p.Second)]);
    }

    [Test]
    public void DivergenceWeightPrefersDivergentKeys()
    {
        double Mean(double weight) => Select(
            _world.SourceModel(), new KeySelectionOptions { Count = 10, Lambda = 0, DivergenceWeight = weight }).Keys.Average(k => k.Divergence);
        Assert.That(Mean(100), Is.GreaterThan(Mean(0)));
    }

    [Test]
    public void EveryDrawHasItsOwnNoiseAndTheSeedGivesTheSameKeys()
    {
        var source = _world.SourceModel();
        var sel = _world.Stranger("sel");
        string first = new KeySelector(Fixtures.Distance).Select(source, _world.Training, [Fixtures.Unopened(sel)], new KeySelectionOptions { Seed = 3 }).Hash;
        var all = source.Asked.Concat(sel.Asked).Select(q => q.Noise).ToArray();
        Assert.That(all.Distinct().Count(), Is.EqualTo(all.Length));
        Assert.That(
            new KeySelector(Fixtures.Distance).Select(source, _world.Training, [Fixtures.Unopened(sel)], new KeySelectionOptions { Seed = 3 }).Hash, Is.EqualTo(first));
        Assert.That(
            new KeySelector(Fixtures.Distance).Select(source, _world.Training, [Fixtures.Unopened(sel)], new KeySelectionOptions { Seed = 4 }).Hash,
            Is.Not.EqualTo(first));
    }

    [Test]
    public void TheSourceIsNoInnocentOfItsOwn() =>
        Assert.Throws<UserException>(
            () => new KeySelector(Fixtures.Distance).Select(
                _world.SourceModel(), _world.Training, [Fixtures.Unopened(_world.SourceModel())], new KeySelectionOptions()));

    [Test]
    public void TheSourceHitsItsOwnKeys()
    {
        var keys = _world.Keys();
        Assert.That(keys.Header.SourceRate, Is.EqualTo(new SourceRate(30, 30)));
    }

    [TestCase(0, 4, 30)]
    [TestCase(30, 1, 30)]
    [TestCase(30, -1, 30)]
    [TestCase(30, 4, 29)]
    public void SenselessRulesAreRefused(int count, int draws, int candidates) =>
        Assert.Throws<UserException>(
            () => Select(_world.SourceModel(), new KeySelectionOptions { Count = count, Draws = draws, Candidates = candidates }));

    private KeySet Select(IImageModel source, KeySelectionOptions options) =>
        new KeySelector(Fixtures.Distance).Select(source, _world.Training, [], options);

    /// <summary>A model whose noise depends on the prompt's number.</summary>
    private sealed class GradedModel(Dictionary<string, RgbImage> pictures, Func<int, int> amplitude) : IImageModel
    {
        public string Name => "graded";

        public string Identity => "graded";

        public IReadOnlyList<Answer> Generate(IReadOnlyList<Query> queries, CancellationToken cancel = default) =>
            [.. queries.SelectMany(q => new StoredModel("graded", pictures, amplitude(int.Parse(q.Prompt.Split(' ')[^1]))).Generate([q]))];
    }
}
