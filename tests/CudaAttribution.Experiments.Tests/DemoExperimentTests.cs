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
using CudaAttribution.Served;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tests;
using CudaAttribution.Verdicts;

namespace CudaAttribution.Experiments.Tests;

public class DemoExperimentTests
{
    private static readonly string[] Names = ["all", "half", "own"];

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
        Assert.That(suspects.Select(s => (string)s!["name"]!), Is.EqualTo(Names));
        Assert.That(suspects.Select(s => (bool)s!["innocent"]!), Is.EqualTo(new[] { false, false, true }));
        Assert.That(suspects.Select(s => (string)s!["family"]!), Is.EqualTo(new[] { "generated", "generated+real-other", "real-own" }));
        foreach (string name in new[] { "rho", "conf", "hits", "n", "paired", "p_value", "verdict", "swap_p_value", "published_accuses", "found", "folder" }.Concat(
            ["conf_p_value", "paired_p_value", "regime", "kappa"]))
            Assert.That(suspects.All(s => s!.AsObject().ContainsKey(name)), name);
        Assert.That(((string?)json["strategy"], (string?)suspects[0]!["regime"]), Is.EqualTo(("generate", "natural")));
        Assert.That(suspects.All(s => (string)s!["verdict"]! is "shown" or "not shown" or "no verdict"));
    }

    /// <summary>The figures of the table are those of the audit and of the indications, and of nothing else.</summary>
    [Test]
    public void TheSummarySaysWhatAuditAndIndicationsSay()
    {
        var audit = Json.Read<AuditResult>(Path.Combine(_finished, "audit/audit.json"), "audit");
        foreach (var (line, found) in _summary.Suspects.Zip(audit.Suspects))
        {
            var result = AttributionResult.Load(Path.Combine(_finished, line.Folder, "result.json"));
            using (Assert.EnterMultipleScope())
            {
                Assert.That((line.Name, line.Verdict, line.PValue, line.EValue, line.Queries), Is.EqualTo((found.Name, found.Verdict, found.PValue, found.EValue, found.Queries)));
                Assert.That(line.SwapPValue, Is.EqualTo(found.Tests.Single(t => t.Name == "source-swap").PValue));
                Assert.That((line.Conf, line.Hits, line.N), Is.EqualTo((result.Conf.Share, result.Conf.Count, result.Conf.Trials)));
                Assert.That(line.PublishedAccuses, Is.EqualTo(result.Published!.Accuses));
                Assert.That(line.Found.Select(f => f.Account), Is.EqualTo(found.Accounts.Where(a => a.Shown).Select(a => a.Account)));
            }
        }
        Assert.That(_summary.PlanCommit, Is.EqualTo(audit.PlanCommit));
    }

    [Test]
    public void TheAuditIsOneThatAnybodyCanCheck()
    {
        string audit = Path.Combine(_finished, "audit");
        Assert.That(AuditVerifier.FirstFault(audit, _device, _summary.PlanCommit), Is.Null);
        var plan = AuditPlan.Load(audit);
        var log = ServedLogReader.Read(Path.Combine(_finished, "served"));
        using (Assert.EnterMultipleScope())
        {
            Assert.That((plan.Sequential, plan.Primary, plan.Served!.Entries, plan.Swap!.Count), Is.EqualTo((false, PrimaryTest.ServedVersusFresh, 20, 3)));
            Assert.That(plan.Served.Trials.GroupBy(t => t.Account).ToDictionary(g => g.Key!, g => g.Count()), Is.EqualTo(new Dictionary<string, int> { ["ada"] = 5, ["ben"] = 5 }));
            Assert.That(plan.Served.Trials.Select(t => t.Pictures[t.Served]), Is.SubsetOf(log.Pictures.Select(p => p.PixelHash)));
            Assert.That(Asked("controls"), Is.EqualTo(new[] { 10, 10 }), "controls know nothing of twins");
            Assert.That(Asked("suspects"), Is.EqualTo(new[] { 18, 18, 18 }));
            Assert.That(plan.Suspects.Select(s => s.Identity), Is.EqualTo(Names.Select(n => ModelRecord.Load(Path.Combine(_finished, "suspects", n)).Identity)));
        }
    }

    private int[] Asked(string models) =>
    [
        .. Directory.GetDirectories(Path.Combine(_finished, "audit", models))
            .Select(f => File.ReadLines(Path.Combine(f, AuditInterview.ChainFile)).Count()),
    ];

    [Test]
    public void TheFolderIsComplete()
    {
        string[] names =
        [
            "report.html", "manifest.json", "served/served.jsonl", "keys/keys.json", "indications/half/result.json", "indications/half/report.html",
            "indications/half/manifest.json", "suspects/own/suspect.json", "suspects/own/model/model_index.json", "audit/audit.json", "audit/report.html",
            "audit/seal.json", "audit/manifest.json", "attempts.jsonl",
        ];
        foreach (string name in names)
            Assert.That(File.Exists(Path.Combine(_finished, name)), name);
        var left = Directory.EnumerateFileSystemEntries(_finished, "*", SearchOption.AllDirectories)
            .Where(f => f.Contains("checkpoint") || f.EndsWith(".tmp", StringComparison.Ordinal) || Path.GetFileName(f)[0] == '.');
        Assert.That(left, Is.Empty);
        var half = ModelRecord.Load(Path.Combine(_finished, "suspects/half"));
        Assert.That((half.Generated, half.Real), Is.EqualTo((5, 5)));
        var served = ServedLogReader.Read(Path.Combine(_finished, "served")).Pictures.Where(p => p.Account == "ben").Select(p => p.Prompt);
        Assert.That(half.GeneratedPrompts, Is.SubsetOf(served));
        string page = File.ReadAllText(Path.Combine(_finished, "report.html"));
        foreach (string name in Names) Assert.That(page, Does.Contain($"<b>{name}</b>"));
    }

    /// <summary>The stages by hand, one after another and without units: every file of the run is theirs.</summary>
    [Test]
    public void TheUnitsGiveWhatItsStagesGiveByHand()
    {
        var recipe = TinyModels.Recipe;
        var by = new RunFolder(TestFolder.New("by hand"));
        using var source = LocalModel.Open(Path.Combine(_models.Folder, "source"), _device, recipe.Sampling, "source");
        var data = recipe.SourceData.Load(source.Size);
        ServedLogDraw.Draw(by.Folder("served"), source, recipe.Accounts, [.. data.Items.Select(i => i.Caption)], 3, AnswerStore.InMemory());
        var log = ServedLogReader.Read(by.Path("served"));
        var keys = new KeySelector(MeasureRegistry.Create(recipe.Metric, _device)).Select(source, data, [], recipe.Keys with { Seed = 3 });
        keys.Save(by.Path("keys"));
        var tuner = new FineTuner(_device, Path.Combine(_models.Folder, "g0"));
        foreach (var s in recipe.Suspects)
        {
            var plan = new ModelPlan
            {
                Name = s.Name, Rho = s.Rho, Count = s.Count, Account = s.Account, RealFamily = s.Family, Seed = Philox.Stream($"suspect/{s.Name}", 3),
                Training = s.Training ?? recipe.Training,
            };
            var inputs = new ModelInputs { Source = s.Rho > 0 ? source : null, Log = log, Real = s.Real?.Load(16), Keys = [keys] };
            new ModelBuilder(tuner).Build(by.Path($"suspects/{s.Name}"), plan, inputs);
            Attribute(keys, by.Path($"suspects/{s.Name}"), by.Path($"indications/{s.Name}"), seed: 3);
        }
        string[] timed = ["manifest.json", "report.html"];
        string[] files = [.. Directory.GetFiles(by.Root, "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(by.Root, f))];
        Assert.That(files, Has.Length.GreaterThan(80));
        using (Assert.EnterMultipleScope())
        {
            foreach (string file in files.Where(f => !timed.Contains(Path.GetFileName(f))))
                Assert.That(File.ReadAllBytes(Path.Combine(_finished, file)), Is.EqualTo(File.ReadAllBytes(by.Path(file))), file);
            foreach (string folder in (string[])["served", "keys", "suspects", "indications"])
                Assert.That(Directory.GetFiles(Path.Combine(_finished, folder), "*", SearchOption.AllDirectories), Has.Length.EqualTo(
                    files.Count(f => f.StartsWith(folder + "/", StringComparison.Ordinal))), folder);
        }
    }

    [Test]
    public void TheManifestHasTheResultsAndNotTheUnits()
    {
        var manifest = Json.Read<RunManifest>(Path.Combine(_finished, "manifest.json"), "manifest");
        Assert.That(manifest.Outputs.Keys.Select(k => k.Split('/')[0]).Distinct(), Is.EquivalentTo(
            (string[])["attempts.jsonl", "indications", "keys", "report.html", "run.json", "served", "summary.json"]));
    }

    /// <summary>Cancelled when the second suspect is begun, and again in the middle of the audit: every result is that of the run that was never stopped.</summary>
    [Test]
    public void AStoppedRunGoesOnAndEndsTheSame()
    {
        string folder = TestFolder.New("stopped");
        Cut(folder, e => e is DemoStageStarted { Title: "build suspect half" });
        Assert.That(File.Exists(Path.Combine(folder, "summary.json")), Is.False);
        var finished = Computed(folder);
        Assert.That(finished, Has.Count.EqualTo(3));
        Cut(folder, e => e is DemoStageProgress { Title: "audit", Progress: { Activity: "asking half", Done: 3 } });
        var answers = Directory.GetFiles(Path.Combine(folder, "audit"), "*.png", SearchOption.AllDirectories).ToDictionary(f => f, File.GetLastWriteTimeUtc);
        var reused = new List<string>();
        var summary = Run(folder, e => { if (e is DemoStageFinished { Reused: true } f) reused.Add(f.Title); });
        Assert.That(reused, Has.Count.EqualTo(8).And.None.EqualTo("audit"));
        Assert.That(summary.Resumed);
        Assert.That(finished, Is.SubsetOf(Computed(folder)), "what was finished is not computed again");
        Assert.That(answers.All(a => File.GetLastWriteTimeUtc(a.Key) == a.Value), "what was answered is not asked again");
        Assert.That(summary.Suspects.Select(Figures), Is.EqualTo(_summary.Suspects.Select(Figures)));
        foreach (string name in Names)
            Assert.That(
                File.ReadAllBytes(Path.Combine(folder, $"indications/{name}/result.json")),
                Is.EqualTo(File.ReadAllBytes(Path.Combine(_finished, $"indications/{name}/result.json"))),
                name);
    }

    [Test]
    public void AFinishedRunIsKept()
    {
        var titles = new List<(string, bool)>();
        var computed = Computed(_finished);
        string commit = _summary.PlanCommit;
        var again = Run(_finished, e => { if (e is DemoStageFinished f) titles.Add((f.Title, f.Reused)); });
        Assert.That(titles, Has.Count.EqualTo(9));
        Assert.That(titles.All(t => t.Item2));
        Assert.That(again.Suspects.Select(Figures), Is.EqualTo(_summary.Suspects.Select(Figures)));
        Assert.That(again.PlanCommit, Is.EqualTo(commit));
        Assert.That(computed, Has.Count.EqualTo(8));
        Assert.That(Computed(_finished), Is.EqualTo(computed));
    }

    [Test]
    public void AFolderOfAnotherRunIsRefused() =>
        Assert.That(Assert.Throws<UserException>(() => Run(_finished, seed: 4))!.Message, Does.Contain("seed was 3, is 4"));

    [Test]
    public void AttributeGivesTheDemosResult()
    {
        string demo = Path.Combine(_finished, "indications/half"), alone = TestFolder.New("alone");
        Attribute(KeySet.Load(Path.Combine(demo, "keys")), Path.Combine(_finished, "suspects/half"), alone, seed: 3);
        Assert.That(File.ReadAllBytes(Path.Combine(alone, "result.json")), Is.EqualTo(File.ReadAllBytes(Path.Combine(demo, "result.json"))));
        foreach (string image in Directory.GetFiles(Path.Combine(demo, "images")))
            Assert.That(File.ReadAllBytes(Path.Combine(alone, "images", Path.GetFileName(image))), Is.EqualTo(File.ReadAllBytes(image)));
    }

    [Test]
    public void ASuspectSampledOtherwiseThanTheKeysIsRefused()
    {
        var keys = KeySet.Load(Path.Combine(_finished, "keys"));
        using var suspect = LocalModel.Open(Path.Combine(_finished, "suspects/half"), _device, new SamplingRecipe { Steps = 3, Guidance = 1 });
        var attributor = new Attributor(MeasureRegistry.Create("px", _device));
        var error = Assert.Throws<UserException>(() => attributor.Run(keys, suspect, null, new AttributionOptions()));
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
        void Changed() => Attribute(keys, folder, TestFolder.New("out"));
        Assert.That(Assert.Throws<UserException>(Changed)!.Message, Does.Contain("weights changed"));
    }

    [Test]
    public void AMissingModelIsNamed()
    {
        foreach (var recipe in new[] { TinyModels.Recipe with { Source = "absent" }, TinyModels.Recipe with { Twins = "absent" } })
        {
            var experiment = new DemoExperiment(_device, Options(TestFolder.New("missing"), recipe));
            Assert.That(Assert.Throws<UserException>(() => experiment.Run())!.Message, Does.Contain("no 'absent'"));
        }
        Assert.Throws<ModelFileException>(() => LocalModel.Open(TestFolder.New("nothing"), _device, new SamplingRecipe()));
    }

    [Test]
    public void TheShippedRecipeIsValid()
    {
        var recipe = DemoRecipe.Load();
        Assert.That(recipe.Suspects.Select(s => s.Name).Distinct().Count(), Is.EqualTo(recipe.Suspects.Count));
        Assert.That(recipe.Suspects.Count(s => s.Rho == 0), Is.GreaterThanOrEqualTo(4));
        var own = recipe.SourceData.Load(16).Items.Select(i => i.Id).ToHashSet();
        foreach (var s in recipe.Suspects.Where(s => s.Real is not null))
        {
            var real = s.Real!.Load(16);
            Assert.That(real.Count, Is.GreaterThanOrEqualTo(s.Count - (int)Math.Round(s.Count * s.Rho)), s.Name);
            if (s.Family is InnocentFamily.RealOwn or InnocentFamily.Twin) Assert.That(real.Hash, Is.EqualTo(recipe.SourceData.Load(16).Hash), s.Name);
            if (s.Family == InnocentFamily.RealSame) Assert.That(real.Items.Select(i => i.Id).Intersect(own), Is.Empty, s.Name);
        }
        Assert.DoesNotThrow(recipe.Keys.Validate);
    }

    [TestCase("\"rho\": 1,", "\"roh\": 1,", "roh")]
    [TestCase("\"account\": \"ada\"", "\"account\": \"eve\"", "'rho-1.0' has served pictures but names no account that was served")]
    [TestCase("\"family\": \"twin\",", "", "'twin' has real pictures but names no data or family")]
    public void ABrokenRecipeIsNamed(string was, string becomes, string said)
    {
        var folder = new RunFolder(TestFolder.New("recipe"));
        string text = Json.Write(DemoRecipe.Load());
        Assert.That(text, Does.Contain(was));
        folder.Write("r.json", text.Replace(was, becomes));
        Assert.That(Assert.Throws<UserException>(() => DemoRecipe.Load(folder.Path("r.json")))!.Message, Does.Contain("r.json").And.Contain(said));
    }

    [Test]
    public void AFailureIsTheOneThatTheUnitMetAndStopsTheRest()
    {
        string folder = TestFolder.New("failed");
        var suspects = TinyModels.Recipe.Suspects;
        var recipe = TinyModels.Recipe with { Suspects = [suspects[0], suspects[1] with { Count = 16, Real = new DataSpec { Set = "emoji:openmoji", Count = 3 } }, suspects[2]] };
        var started = new List<string>();
        var experiment = new DemoExperiment(_device, Options(folder, recipe), e => { if (e is DemoStageStarted s) started.Add(s.Title); });
        Assert.That(() => experiment.Run(), Throws.TypeOf<UserException>().With.Message.Contains("'half' needs 8 real pictures"));
        Assert.That(started, Is.EqualTo(new[] { "serve", "select keys", "build suspect all", "build suspect half" }));
    }

    /// <summary>When each finished unit was begun.</summary>
    private static List<(string Unit, DateTimeOffset Started)> Computed(string folder)
    {
        var store = UnitStore.Open(Path.Combine(folder, "units"));
        return [.. store.Ids().Where(store.IsFinished).Select(id => (id, store.ManifestOf(id).Started))];
    }

    private static string Figures(DemoSuspect s) => Json.Write(s);

    private void Cut(string folder, Func<DemoEvent, bool> when)
    {
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => Run(folder, e => { if (when(e)) stop.Cancel(); }, stop.Token));
    }

    private DemoSummary Run(string folder, Action<DemoEvent>? events = null, CancellationToken cancel = default, ulong seed = 3) =>
        new DemoExperiment(_device, Options(folder, TinyModels.Recipe, seed), events).Run(cancel);

    private void Attribute(KeySet keys, string suspect, string folder, ulong seed = 0)
    {
        using var opened = OpenedSuspect.Local(suspect, _device, keys.Header.Sampling!);
        AttributionJob.Run(
            keys, null, opened, _device, AnswerStore.InMemory(), new RunFolder(folder), new AttributionOptions { Seed = seed },
            RecordedRun.On(_device, "attribute", ["cudattr"], seed));
    }

    private DemoOptions Options(string folder, DemoRecipe recipe, ulong seed = 3) =>
        new() { ModelsFolder = _models.Folder, Out = folder, Seed = seed, Recipe = recipe, CommandLine = ["cudattr", "demo"] };
}
