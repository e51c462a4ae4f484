using System.Text.Json.Nodes;
using CudaAttribution.Answers;
using CudaAttribution.Evidence;
using CudaAttribution.Experiments.Plans;
using CudaAttribution.Keys;
using CudaAttribution.Measures;
using CudaAttribution.Models.Configuration;
using CudaAttribution.Populations;
using CudaAttribution.Reports;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Manifests;
using CudaAttribution.Runs.Units;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tests;

namespace CudaAttribution.Experiments.Tests;

public class DemoExperimentTests
{
    private ComputeDevice _device = null!;
    private TinyModels _models = null!;
    private string _finished = null!;
    private DemoSummary _summary = null!;

    [OneTimeSetUp]
    public void RunOnce()
    {
        _device = ComputeDevice.Open("cpu", "kernels");
        _models = new TinyModels(_device, TestFolder.New("models"));
        _finished = TestFolder.New("finished");
        _summary = Run(_finished);
    }

    [OneTimeTearDown]
    public void Close() => _device.Dispose();

    [Test]
    public void TheSummaryHasTheDocumentedNames()
    {
        var json = JsonNode.Parse(File.ReadAllText(Path.Combine(_finished, "summary.json")))!;
        Assert.That(json["seconds"]!.GetValue<double>(), Is.GreaterThan(0));
        var suspects = json["suspects"]!.AsArray();
        Assert.That(suspects.Select(s => (string)s!["name"]!), Is.EqualTo(new[] { "all", "half", "own" }));
        Assert.That(suspects.Select(s => (bool)s!["innocent"]!), Is.EqualTo(new[] { false, false, true }));
        Assert.That(suspects.Select(s => (string)s!["family"]!), Is.EqualTo(new[] { "generated", "generated+real-other", "real-own" }));
        foreach (string name in new[] { "rho", "conf", "paired", "p_value", "verdict" })
            Assert.That(suspects.All(s => s!.AsObject().ContainsKey(name)), name);
        Assert.That(suspects.All(s => (string)s!["verdict"]! is "accused" or "not accused"));
    }

    [Test]
    public void TheFolderIsComplete()
    {
        string[] names =
        [
            "report.html", "manifest.json", "null.json", "keys/keys.json", "results/half/result.json", "results/half/report.html",
            "results/half/manifest.json", "suspects/own/suspect.json", "suspects/own/model/model_index.json",
        ];
        foreach (string name in names)
            Assert.That(File.Exists(Path.Combine(_finished, name)), name);
        var left = Directory.EnumerateFileSystemEntries(_finished, "*", SearchOption.AllDirectories)
            .Where(f => f.Contains("checkpoint") || f.Contains("answers") || f.EndsWith(".tmp", StringComparison.Ordinal) || Path.GetFileName(f)[0] == '.');
        Assert.That(left, Is.Empty);
        var half = ModelRecord.Load(Path.Combine(_finished, "suspects/half"));
        Assert.That((half.Generated, half.Real), Is.EqualTo((5, 5)));
        Assert.That(Directory.GetFiles(Path.Combine(_finished, "suspects/half/training/generated")), Has.Length.EqualTo(5));
    }

    /// <summary>The stages by hand, one after another and without units: every file of the run is theirs.</summary>
    [Test]
    public void TheUnitsGiveWhatItsStagesGiveByHand()
    {
        var recipe = TinyModels.Recipe;
        var by = new RunFolder(TestFolder.New("by hand"));
        LocalModel Open(string folder, string name) => LocalModel.Open(folder, _device, recipe.Sampling, name);
        using var source = Open(Path.Combine(_models.Folder, "source"), "source");
        var data = recipe.SourceData.Load(source.Size);
        var measure = MeasureRegistry.Create(recipe.Metric, _device);
        var sel = _models.Innocents.Of(InnocentSplit.Sel).Select(m => _models.Innocents.Unopened(m, Open));
        var keys = new KeySelector(measure).Select(source, data, [.. sel], recipe.Keys with { Seed = 3 });
        keys.Save(by.Path("keys"));
        var nulls = new InnocentScorer(measure).Score(keys, InnocentScorer.MembersOf(_models.Innocents, Open), 3);
        by.WriteJson("null.json", nulls);
        var tuner = new FineTuner(_device, Path.Combine(_models.Folder, "g0"));
        foreach (var s in recipe.Suspects)
        {
            var plan = new ModelPlan
            {
                Name = s.Name, Rho = s.Rho, Count = s.Count, RealFamily = s.Family, Seed = Philox.Stream($"suspect/{s.Name}", 3), Training = recipe.Training,
            };
            var inputs = new ModelInputs
            {
                Source = s.Rho > 0 ? source : null, PromptPool = s.Rho > 0 ? [.. data.Items.Select(i => i.Caption)] : [], Real = s.Real?.Load(16), Keys = keys,
            };
            new ModelBuilder(tuner).Build(by.Path($"suspects/{s.Name}"), plan, inputs);
            Attribute(keys, nulls, by.Path($"suspects/{s.Name}"), by.Path($"results/{s.Name}"), seed: 3);
        }
        string[] timed = ["manifest.json", "report.html"];
        string[] files = [.. Directory.GetFiles(by.Root, "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(by.Root, f))];
        Assert.That(files, Has.Length.GreaterThan(80));
        using (Assert.EnterMultipleScope())
        {
            foreach (string file in files.Where(f => !timed.Contains(Path.GetFileName(f))))
                Assert.That(File.ReadAllBytes(Path.Combine(_finished, file)), Is.EqualTo(File.ReadAllBytes(by.Path(file))), file);
            foreach (string folder in (string[])["keys", "suspects", "results"])
                Assert.That(Directory.GetFiles(Path.Combine(_finished, folder), "*", SearchOption.AllDirectories), Has.Length.EqualTo(
                    files.Count(f => f.StartsWith(folder + "/", StringComparison.Ordinal))), folder);
        }
    }

    [Test]
    public void TheManifestHasTheResultsAndNotTheUnits()
    {
        var manifest = Json.Read<RunManifest>(Path.Combine(_finished, "manifest.json"), "manifest");
        Assert.That(manifest.Outputs.Keys.Select(k => k.Split('/')[0]).Distinct(), Is.EquivalentTo(
            (string[])["keys", "null.json", "report.html", "results", "run.json", "summary.json"]));
    }

    /// <summary>Cancelled in the middle of training the second suspect, continued: every result is that of the run that was never stopped.</summary>
    [Test]
    public void AStoppedRunGoesOnAndEndsTheSame()
    {
        string folder = TestFolder.New("stopped");
        using var stop = new CancellationTokenSource();
        int checkpointed = 0;
        Assert.Throws<OperationCanceledException>(() => Run(folder, e =>
        {
            if (e is DemoStageStarted { Title: "build suspect half" }) checkpointed++;
            if (checkpointed > 0 && e is DemoStageProgress { Progress.Activity: "generating" }) stop.Cancel();
        }, stop.Token));
        Assert.That(File.Exists(Path.Combine(folder, "summary.json")), Is.False);
        var finished = Computed(folder);
        Assert.That(finished, Has.Count.EqualTo(3));
        var reused = new List<string>();
        var summary = Run(folder, e => { if (e is DemoStageFinished { Reused: true } f) reused.Add(f.Title); });
        Assert.That(reused, Is.EqualTo(new[] { "select keys", "score innocents", "build suspect all" }));
        Assert.That(summary.Resumed);
        Assert.That(finished, Is.SubsetOf(Computed(folder)), "what was finished is not computed again");
        foreach (string name in new[] { "all", "half", "own" })
            Assert.That(
                File.ReadAllBytes(Path.Combine(folder, $"results/{name}/result.json")),
                Is.EqualTo(File.ReadAllBytes(Path.Combine(_finished, $"results/{name}/result.json"))),
                name);
    }

    [Test]
    public void AFinishedRunIsKept()
    {
        var titles = new List<(string, bool)>();
        var computed = Computed(_finished);
        var again = Run(_finished, e => { if (e is DemoStageFinished f) titles.Add((f.Title, f.Reused)); });
        Assert.That(titles, Has.Count.EqualTo(8));
        Assert.That(titles.All(t => t.Item2));
        Assert.That(again.Suspects, Is.EqualTo(_summary.Suspects));
        Assert.That(computed, Has.Count.EqualTo(8));
        Assert.That(Computed(_finished), Is.EqualTo(computed));
    }

    [Test]
    public void AFolderOfAnotherRunIsRefused() =>
        Assert.That(Assert.Throws<UserException>(() => Run(_finished, seed: 4))!.Message, Does.Contain("seed was 3, is 4"));

    [Test]
    public void AttributeGivesTheDemosResult()
    {
        string demo = Path.Combine(_finished, "results/half"), alone = TestFolder.New("alone");
        var keys = KeySet.Load(Path.Combine(demo, "keys"));
        var nulls = NullTable.Load(Path.Combine(demo, "null.json"));
        Attribute(keys, nulls, Path.Combine(_finished, "suspects/half"), alone, seed: 3);
        Assert.That(File.ReadAllBytes(Path.Combine(alone, "result.json")), Is.EqualTo(File.ReadAllBytes(Path.Combine(demo, "result.json"))));
        foreach (string image in Directory.GetFiles(Path.Combine(demo, "images")))
            Assert.That(File.ReadAllBytes(Path.Combine(alone, "images", Path.GetFileName(image))), Is.EqualTo(File.ReadAllBytes(image)));
    }

    [Test]
    public void ASuspectSampledOtherwiseThanTheKeysIsRefused()
    {
        string demo = Path.Combine(_finished, "results/half");
        var keys = KeySet.Load(Path.Combine(demo, "keys"));
        using var suspect = LocalModel.Open(Path.Combine(_finished, "suspects/half"), _device, new SamplingRecipe { Steps = 3, Guidance = 1 });
        var attributor = new Attributor(MeasureRegistry.Create("px", _device));
        var nulls = NullTable.Load(Path.Combine(demo, "null.json"));
        var error = Assert.Throws<UserException>(() => attributor.Run(keys, suspect, nulls, new AttributionOptions()));
        Assert.That(error!.Message, Does.Contain("3 steps"));
    }

    [Test]
    public void WeightsOfASuspectThatChangedAreNoticed()
    {
        string folder = TestFolder.New("changed");
        foreach (string file in Directory.GetFiles(Path.Combine(_finished, "suspects/all"), "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(folder, Path.GetRelativePath(Path.Combine(_finished, "suspects/all"), file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
        string weights = Path.Combine(folder, "model/unet/diffusion_pytorch_model.safetensors");
        byte[] bytes = File.ReadAllBytes(weights);
        bytes[^2] ^= 1;
        File.WriteAllBytes(weights, bytes);
        var keys = KeySet.Load(Path.Combine(_finished, "keys"));
        var nulls = NullTable.Load(Path.Combine(_finished, "null.json"));
        void Changed() => Attribute(keys, nulls, folder, TestFolder.New("out"));
        Assert.That(Assert.Throws<UserException>(Changed)!.Message, Does.Contain("weights changed"));
    }

    [Test]
    public void AMissingModelIsNamed()
    {
        var recipe = TinyModels.Recipe with { Source = "absent" };
        var experiment = new DemoExperiment(_device, Options(TestFolder.New("missing"), recipe));
        Assert.That(Assert.Throws<UserException>(() => experiment.Run())!.Message, Does.Contain("no 'absent'"));
        Assert.Throws<ModelFileException>(() => LocalModel.Open(TestFolder.New("nothing"), _device, new SamplingRecipe()));
    }

    [Test]
    public void InnocentsAreBuiltOnceAndDisjoint()
    {
        var set = InnocentSet.Load(Path.Combine(_models.Folder, "innocents"));
        Assert.That(set.Members, Is.EqualTo(_models.Innocents.Members));
        Assert.That(set.Members.Select(m => m.Identity).Distinct().Count(), Is.EqualTo(7));
        foreach (var member in set.Members)
        {
            using var model = LocalModel.Open(set.PathOf(member), _device, new SamplingRecipe());
            Assert.That(model.Identity, Is.EqualTo(member.Identity), member.Name);
        }
    }

    [Test]
    public void InnocentsAreBuiltWithWhatTheyDrewAndTwinsAsTheSourceWas()
    {
        ModelPlan Plan(string name) => ModelRecord.Load(Path.Combine(_models.Folder, "innocents", name)).Plan;
        using (Assert.EnterMultipleScope())
        {
            foreach (string drawn in (string[])["sel", "cal", "other", "own", "sibling"])
                Assert.That((Plan(drawn).Training.Steps, Plan(drawn).Count), Is.EqualTo((2, 7)).Or.EqualTo((2, 8)).Or.EqualTo((3, 7)).Or.EqualTo((3, 8)), drawn);
            Assert.That(Plan("sibling").SourceGuidance, Is.InRange(1, 2));
            Assert.That(Plan("own").SourceGuidance, Is.Null);
            Assert.That((Plan("twin").Training.Steps, Plan("twin").Training.BatchSize, Plan("twin").Count), Is.EqualTo((4, 3, 8)));
        }
    }

    [Test]
    public void TheShippedRecipeIsValid()
    {
        var recipe = DemoRecipe.Load();
        Assert.That(recipe.Suspects.Select(s => s.Name).Distinct().Count(), Is.EqualTo(recipe.Suspects.Count));
        Assert.That(recipe.Suspects.Count(s => s.Rho == 0), Is.GreaterThanOrEqualTo(3));
        var own = recipe.SourceData.Load(16).Items.Select(i => i.Id).ToHashSet();
        foreach (var s in recipe.Suspects.Where(s => s.Real is not null))
        {
            var real = s.Real!.Load(16);
            Assert.That(real.Count, Is.GreaterThanOrEqualTo(s.Count - (int)Math.Round(s.Count * s.Rho)), s.Name);
            if (s.Family == InnocentFamily.RealOwn) Assert.That(real.Hash, Is.EqualTo(recipe.SourceData.Load(16).Hash), s.Name);
            if (s.Family == InnocentFamily.RealSame) Assert.That(real.Items.Select(i => i.Id).Intersect(own), Is.Empty, s.Name);
        }
        Assert.DoesNotThrow(recipe.Keys.Validate);
    }

    [Test]
    public void ABrokenRecipeIsNamed()
    {
        var folder = new RunFolder(TestFolder.New("recipe"));
        folder.Write("r.json", Json.Write(DemoRecipe.Load()).Replace("\"rho\": 1,", "\"roh\": 1,"));
        Assert.That(
            Assert.Throws<UserException>(() => DemoRecipe.Load(folder.Path("r.json")))!.Message, Does.Contain("r.json").And.Contain("roh"));
    }

    [Test]
    public void AFailureIsTheOneThatTheUnitMetAndStopsTheRest()
    {
        string folder = TestFolder.New("failed");
        var suspects = TinyModels.Recipe.Suspects;
        var recipe = TinyModels.Recipe with { Suspects = [suspects[0], suspects[1] with { Count = 200 }, suspects[2]] };
        var started = new List<string>();
        var experiment = new DemoExperiment(_device, Options(folder, recipe), e => { if (e is DemoStageStarted s) started.Add(s.Title); });
        Assert.That(() => experiment.Run(), Throws.TypeOf<UserException>().With.Message.Contains("'half' needs 100 real pictures"));
        Assert.That(started, Is.EqualTo(new[] { "select keys", "score innocents", "build suspect all", "build suspect half" }));
    }

    /// <summary>When each finished unit was begun.</summary>
    private static List<(string Unit, DateTimeOffset Started)> Computed(string folder)
    {
        var store = UnitStore.Open(Path.Combine(folder, "units"));
        return [.. store.Ids().Where(store.IsFinished).Select(id => (id, store.ManifestOf(id).Started))];
    }

    private DemoSummary Run(string folder, Action<DemoEvent>? events = null, CancellationToken cancel = default, ulong seed = 3) =>
        new DemoExperiment(_device, Options(folder, TinyModels.Recipe, seed), events).Run(cancel);

    private void Attribute(KeySet keys, NullTable nulls, string suspect, string folder, ulong seed = 0)
    {
        using var opened = OpenedSuspect.Local(suspect, _device, keys.Header.Sampling!);
        AttributionJob.Run(
            keys, nulls, opened, _device, AnswerStore.InMemory(), new RunFolder(folder), new AttributionOptions { Seed = seed },
            RecordedRun.On(_device, "attribute", ["cudattr"], seed));
    }

    private DemoOptions Options(string folder, DemoRecipe recipe, ulong seed = 3) =>
        new() { ModelsFolder = _models.Folder, Out = folder, Seed = seed, Recipe = recipe, CommandLine = ["cudattr", "demo"] };
}
