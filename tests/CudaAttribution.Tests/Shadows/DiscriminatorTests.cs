using CudaAttribution.Answers;
using CudaAttribution.Images;
using CudaAttribution.Keys;
using CudaAttribution.Runs;
using CudaAttribution.Shadows;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tests.World;

namespace CudaAttribution.Tests.Shadows;

public class DiscriminatorTests
{
    private readonly TestWorld _world = new();
    private readonly AnswerStore _store = AnswerStore.InMemory();
    private readonly ComputeDevice _device = ComputeDevice.Open("cpu", "kernels");
    private KeySet _keys = null!;
    private KeyBaseline _baseline = null!;

    [OneTimeSetUp]
    public void Build()
    {
        _keys = _world.Keys();
        _baseline = KeyBaseline.Draw(_keys, _world.Stranger("base"), 4, 1, Fixtures.Distance, _store);
    }

    [OneTimeTearDown]
    public void Close()
    {
        _store.Dispose();
        _device.Dispose();
    }

    [Test]
    public void FeaturesAreTheDistancesTheyName()
    {
        var model = new StoredModel("model", _world.Source, 30);
        var features = Extractor().Of(model, NoisePurpose.Shadows, 3, _store);
        Assert.That(features.Rows, Has.Count.EqualTo(_keys.ConfidenceCount));
        RgbImage[] references = [.. _keys.Keys.Where(k => k.ForConfidence).Select(k => k.ReferenceImage)];
        using (Assert.EnterMultipleScope())
        {
            for (int i = 0; i < features.Rows.Count; i++)
            {
                var queries = model.Asked.Skip(2 * i).Take(2).ToArray();
                var answers = model.Generate(queries).Select(a => a.Image!).ToArray();
                double toR = Plain(references[i], answers[0]), toB = Plain(_baseline.Pictures[i], answers[0]);
                Assert.That(queries.Select(q => q.Noise.Purpose), Is.All.EqualTo(NoisePurpose.Shadows));
                Assert.That(features.Rows[i], Is.EqualTo(new[]
                {
                    toR, Tiles(references[i], answers[0]), toR, toB, toB, toB - toR,
                    references.Count(r => Plain(r, answers[0]) < toR) / (double)references.Length, Plain(answers[0], answers[1]),
                }).Within(1e-9));
            }
        }

        static double Plain(RgbImage a, RgbImage b) => Fixtures.Distance.Matrix(Fixtures.Distance.Prepare([a]), Fixtures.Distance.Prepare([b]))[0, 0];

        static double Tiles(RgbImage a, RgbImage b) => (
            from down in Enumerable.Range(0, 4)
            from right in Enumerable.Range(0, 4)
            select Math.Sqrt((
                from y in Enumerable.Range(2 * down, 2)
                from x in Enumerable.Range(2 * right, 2)
                from channel in Enumerable.Range(0, 3)
                let at = (3 * ((y * TestWorld.Size) + x)) + channel
                select Math.Pow((a.Pixels[at] - b.Pixels[at]) / 255.0, 2)).Average())).Max();
    }

    [Test]
    public void TheBaselineIsTheMostCentralPicture()
    {
        var model = new StoredModel("another base", _world.Other, 90);
        var baseline = KeyBaseline.Draw(_keys, model, 4, 1, Fixtures.Distance, _store);
        var pictures = model.Generate([.. model.Asked.Take(4)]).Select(a => a.Image!).ToArray();
        double[,] between = Fixtures.Distance.Matrix(Fixtures.Distance.Prepare(pictures), Fixtures.Distance.Prepare(pictures));
        int central = Enumerable.Range(0, 4).MinBy(i => Enumerable.Range(0, 4).Sum(j => between[i, j]));
        Assert.That(ImageHash.Of(baseline.Pictures[0]), Is.EqualTo(ImageHash.Of(pictures[central])));
    }

    [Test]
    public void AMissingAnswerIsAsFarAsCanBe()
    {
        string prompt = _keys.Keys.First(k => k.ForConfidence).Prompt;
        var features = Extractor(draws: 1).Of(new StoredModel("refuser", _world.Source, 30) { Refused = [prompt] }, NoisePurpose.Shadows, 3, _store);
        Assert.That(features.Failures, Is.EqualTo(1));
        Assert.That(features.Rows[0], Is.EqualTo(new double[] { 1, 1, 1, 1, 1, 0, 1, 0 }));
        Assert.That(features.Rows.Skip(1).Select(r => r[^1]), Is.All.Zero, "asked once, no answer has a second");
    }

    [Test]
    public void CopiersScoreAboveTheThresholdAndStrangersBelow()
    {
        var discriminator = Discriminator.Fit(Shadows());
        foreach (int i in Enumerable.Range(0, 5))
        {
            var (copier, stranger) = (discriminator.Score(Features(Copier($"test copier {i}"))), discriminator.Score(Features(_world.Stranger($"test stranger {i}"))));
            Assert.That((copier.Infringing, stranger.Infringing), Is.EqualTo((true, false)));
            Assert.That(copier.Score, Is.GreaterThan(copier.Threshold));
        }
    }

    [Test]
    public void EachShadowIsHeldOutOnce()
    {
        var shadows = Shadows();
        var discriminator = Discriminator.Fit(shadows);
        for (int i = 0; i < shadows.Count; i++)
        {
            // With its label turned the held-out score of a shadow stays, as it is not learned from.
            ShadowFeatures[] turned = [.. shadows.Select((s, j) => j == i ? s with { Rho = s.Rho > 0 ? 0 : 1 } : s)];
            Assert.That(Discriminator.Fit(turned).Shadows[i].HeldOut, Is.EqualTo(discriminator.Shadows[i].HeldOut), shadows[i].Name);
        }
        Assert.That(discriminator.HeldOutAuc, Is.EqualTo(1), "copiers above strangers");
        Assert.That((discriminator with { Shadows = [.. discriminator.Shadows.Select(s => s with { HeldOut = -s.HeldOut })] }).HeldOutAuc, Is.Zero);
        double infringing = discriminator.Shadows.Where(s => s.Rho > 0).Average(s => s.HeldOut);
        Assert.That(discriminator.Threshold, Is.EqualTo((infringing + discriminator.Shadows.Where(s => s.Rho == 0).Average(s => s.HeldOut)) / 2).Within(1e-12));
    }

    [Test]
    public void FilesReadBackAsTheyWere()
    {
        var run = new RunFolder(TestFolder.New("run"));
        var discriminator = Discriminator.Fit(Shadows());
        run.WriteJson(Discriminator.FileName, discriminator);
        var features = Features(Copier("suspect"));
        run.WriteJson(ModelFeatures.FileName, features);
        _baseline.Save(run.Path("baseline"));
        Assert.That(
            Discriminator.Load(run.Path(Discriminator.FileName)).Score(ModelFeatures.Load(run.Path(ModelFeatures.FileName))), Is.EqualTo(discriminator.Score(features)));
        Assert.That(KeyBaseline.Load(run.Path("baseline"), _keys).Hash, Is.EqualTo(_baseline.Hash));

        File.WriteAllBytes(run.Path("baseline/0000.png"), File.ReadAllBytes(run.Path("baseline/0001.png")));
        Assert.That(() => KeyBaseline.Load(run.Path("baseline"), _keys), Throws.TypeOf<UserException>());
        string text = File.ReadAllText(run.Path(Discriminator.FileName));
        File.WriteAllText(run.Path(Discriminator.FileName), text.Replace("tile(y,r)", "tile(r,y)"));
        Assert.That(() => Discriminator.Load(run.Path(Discriminator.FileName)), Throws.TypeOf<UserException>().With.Message.Contains("not those of this version"));
    }

    [Test]
    public void WhatDoesNotBelongTogetherIsRefused()
    {
        var shadows = Shadows();
        var discriminator = Discriminator.Fit(shadows);
        Refused(() => discriminator.Score(shadows[0].Features), "is the shadow 'innocent 0'");
        Refused(() => discriminator.Score(Extractor(draws: 1).Of(Copier("once"), NoisePurpose.Shadows, 3, _store)), "the discriminator learned from");
        Refused(() => Discriminator.Fit([.. shadows.Where(s => s.Rho == 0), shadows[^1]]), "4 innocent and 1 infringing");
        Refused(() => Discriminator.Fit([.. shadows, shadows[0] with { Name = "again" }]), "are the same model");
        Refused(() => Extractor(draws: 3), "3 answers");
        var others = new TestWorld(seed: 2).Keys();
        Refused(() => new FeatureExtractor(others, _baseline, "px", 2, _device), "other keys");
        Refused(
            () => KeyBaseline.Draw(_keys, new StoredModel("mute", _world.Other, 1) { Refused = [.. _world.Other.Keys] }, 2, 1, Fixtures.Distance, _store),
            "gave no picture");

        static void Refused(Action action, string why) =>
            Assert.That(() => action(), Throws.TypeOf<UserException>().With.Message.Contains(why));
    }

    private List<ShadowFeatures> Shadows() =>
    [
        .. Enumerable.Range(0, 4).Select(i => new ShadowFeatures($"innocent {i}", 0, Features(_world.Stranger($"innocent {i}")))),
        .. Enumerable.Range(0, 4).Select(i => new ShadowFeatures($"infringing {i}", 0.5, Features(Copier($"infringing {i}")))),
    ];

    /// <summary>Knows every other picture of the source.</summary>
    private StoredModel Copier(string name) =>
        new(name, _world.Source.ToDictionary(p => p.Key, p => p.Key[^1] % 2 == 0 ? p.Value : _world.Other[p.Key]), 60);

    private ModelFeatures Features(StoredModel model) => Extractor().Of(model, NoisePurpose.Shadows, 3, _store);

    private FeatureExtractor Extractor(int draws = 2) => new(_keys, _baseline, "px", draws, _device);
}
