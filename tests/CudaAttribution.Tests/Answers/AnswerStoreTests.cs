using CudaAttribution.Answers;
using CudaAttribution.Evidence;
using CudaAttribution.Keys;
using CudaAttribution.Populations;
using CudaAttribution.Runs;
using CudaAttribution.Tests.World;

namespace CudaAttribution.Tests.Answers;

/// <summary>Nothing is asked twice: counted in queries that reach the models.</summary>
public class AnswerStoreTests
{
    private static readonly string[] Prompts = [.. Enumerable.Range(0, 60).Select(i => $"picture number {i}")];
    private readonly TestWorld _world = new();

    [Test]
    public void AKilledRunAsksOnlyWhatIsMissingAndGetsTheSame()
    {
        var run = new RunFolder(TestFolder.New("run"));
        var undisturbed = Pictures(Ask(AnswerStore.InMemory(), _world.SourceModel(), draws: 4));
        var source = _world.SourceModel();
        using (var store = AnswerStore.Of(run))
        using (var cancel = new CancellationTokenSource())
        {
            Assert.Throws<OperationCanceledException>(
                () => Ask(store, source, draws: 4, (done, _) => { if (done >= 128) cancel.Cancel(); }, cancel.Token));
        }
        Assert.That(source.Asked, Has.Count.EqualTo(128));
        using (var store = AnswerStore.Of(run))
        {
            Assert.That(Pictures(Ask(store, source, draws: 4)), Is.EqualTo(undisturbed));
            Assert.That(Pictures(Ask(store, source, draws: 4)), Is.EqualTo(undisturbed));
        }
        Assert.That(source.Asked.Select(q => q.Noise.Index).Order(), Is.EqualTo(Enumerable.Range(0, 240)), "each query once");
    }

    [Test]
    public void ALineThatWasCutShortIsAskedAgain()
    {
        var run = new RunFolder(TestFolder.New("run"));
        var source = _world.SourceModel();
        string index = run.Path("answers/answers.jsonl");
        using (var store = AnswerStore.Of(run)) Ask(store, source, draws: 1);
        string text = File.ReadAllText(index);
        File.WriteAllText(index, text[..^20]);
        using (var store = AnswerStore.Of(run)) Ask(store, source, draws: 1);
        Assert.That(source.Asked, Has.Count.EqualTo(Prompts.Length + 1));
        Assert.That(File.ReadAllText(index), Is.EqualTo(text));
    }

    [Test]
    public void AnswersAreToldApartByEverythingTheyDependOn()
    {
        using var store = AnswerStore.Of(new RunFolder(TestFolder.New("run")));
        var source = _world.SourceModel();
        Ask(store, source, draws: 1);
        int once = source.Asked.Count;
        store.Ask(source, Prompts, 1, new NoiseStream(NoisePurpose.Testing, 2, source.Identity));
        store.Ask(source, Prompts, 1, new NoiseStream(NoisePurpose.Selection, 3, source.Identity));
        store.Ask(source, [.. Prompts.Reverse()], 1, Noise(source));
        Assert.That(source.Asked, Has.Count.EqualTo(4 * once), "seed, purpose and the prompt of a noise number");
        var other = new StoredModel("source", _world.Source, 10) { Identity = "stored:other" };
        Ask(store, other, draws: 1);
        Assert.That(other.Asked, Has.Count.EqualTo(once), "identity");
    }

    [Test]
    public void RefusalsAreKeptToo()
    {
        var run = new RunFolder(TestFolder.New("run"));
        var source = new StoredModel("source", _world.Source, 10) { Refused = [Prompts[3]] };
        using (var store = AnswerStore.Of(run)) Ask(store, source, draws: 1);
        using var again = AnswerStore.Of(run);
        Assert.That(Ask(again, source, draws: 1)[3].Failure, Is.EqualTo("refused"));
        Assert.That(source.Asked, Has.Count.EqualTo(Prompts.Length));
    }

    [Test]
    public void AChangedPictureAndADamagedIndexAreNamed()
    {
        var run = new RunFolder(TestFolder.New("run"));
        var source = _world.SourceModel();
        using (var store = AnswerStore.Of(run))
        {
            var sheet = Ask(store, source, draws: 1);
            string[] files = Directory.GetFiles(run.Path("answers"), "*.png", SearchOption.AllDirectories);
            Assert.That(files, Has.Length.EqualTo(Prompts.Length));
            foreach (string file in files[1..]) File.Copy(files[0], file, overwrite: true);
            Assert.That(
                Assert.Throws<UserException>(() => Pictures(sheet))!.Message, Does.Contain("was changed after it was kept").And.Contain(".png"));
        }
        File.AppendAllText(run.Path("answers/answers.jsonl"), "{\"id\": \"x\", \"image_sha256\": null, \"failure\": null}\n");
        Assert.That(Assert.Throws<UserException>(() => AnswerStore.Of(run))!.Message, Does.Contain("answers.jsonl"));
        Assert.Throws<UserException>(() => AnswerStore.Of(run), "the first failure let go of the folder");
    }

    [Test]
    public void AnotherProcessIsKeptOut()
    {
        var run = new RunFolder(TestFolder.New("run"));
        using var store = AnswerStore.Of(run);
        Assert.That(Assert.Throws<UserException>(() => AnswerStore.Of(run))!.Message, Does.Contain("another process"));
    }

    [Test]
    public void SelectionScoringAndAttributionGoOnWithoutAskingTwice()
    {
        var run = new RunFolder(TestFolder.New("run"));
        StoredModel source = _world.SourceModel(), sel = _world.Stranger("sel"), innocent = _world.Stranger("null");
        var suspect = new StoredModel("suspect", _world.Source, 10);
        var members = new[] { (new Innocent("null", InnocentFamily.RealOther, InnocentSplit.Null, innocent.Identity, ""), Fixtures.Unopened(innocent)) };
        var expected = Verdict(AnswerStore.InMemory(), CancellationToken.None);
        int whole = source.Asked.Count + sel.Asked.Count + innocent.Asked.Count + suspect.Asked.Count;
        foreach (var model in new[] { source, sel, innocent, suspect }) model.Asked.Clear();

        for (int limit = 100; ; limit += 100)
        {
            using var store = AnswerStore.Of(run);
            using var cancel = new CancellationTokenSource();
            foreach (var model in new[] { source, sel, innocent, suspect }) model.Answering = () => { if (Asked() > limit) cancel.Cancel(); };
            try
            {
                Assert.That(Verdict(store, cancel.Token), Is.EqualTo(expected));
                break;
            }
            catch (OperationCanceledException)
            {
            }
        }
        Assert.That(Asked(), Is.EqualTo(whole));

        int Asked() => source.Asked.Count + sel.Asked.Count + innocent.Asked.Count + suspect.Asked.Count;

        string Verdict(AnswerStore store, CancellationToken cancel)
        {
            var keys = new KeySelector(Fixtures.Distance, store).Select(
                source, _world.Training, [Fixtures.Unopened(sel)], new KeySelectionOptions { Seed = 5 }, cancel: cancel);
            var nulls = new InnocentScorer(Fixtures.Distance, store).Score(keys, members, 9, cancel: cancel);
            return Json.Write(new Attributor(Fixtures.Distance, store).Run(keys, suspect, nulls, new AttributionOptions { Seed = 7 }, cancel).Result);
        }
    }

    [Test]
    public void ModelsAreOpenedOneAfterAnother()
    {
        int open = 0, most = 0;
        UnopenedModel Counted(string name) => new(name, $"stored:{name}", () =>
        {
            most = Math.Max(most, ++open);
            return new Closing(_world.Stranger(name), () => open--);
        });
        new KeySelector(Fixtures.Distance).Select(
            _world.SourceModel(), _world.Training, [Counted("a"), Counted("b"), Counted("c")], new KeySelectionOptions { Seed = 5 });
        Assert.That((open, most), Is.EqualTo((0, 1)));
    }

    private static AnswerSheet Ask(
        AnswerStore store, IImageModel model, int draws, Action<int, int>? progress = null, CancellationToken cancel = default) =>
        store.Ask(model, Prompts, draws, Noise(model), progress, cancel);

    private static NoiseStream Noise(IImageModel model) => new(NoisePurpose.Selection, 2, model.Identity);

    private static byte[][] Pictures(AnswerSheet sheet) =>
        [.. Enumerable.Range(0, sheet.Prompts.Count).SelectMany(i => sheet.To(i).Select(a => a.Image!.Pixels))];

    private sealed class Closing(IImageModel model, Action close) : IImageModel, IDisposable
    {
        public string Name => model.Name;

        public string Identity => model.Identity;

        public IReadOnlyList<Answer> Generate(IReadOnlyList<Query> queries, CancellationToken cancel = default) => model.Generate(queries, cancel);

        public void Dispose() => close();
    }
}
