using CudaAttribution.Answers;
using CudaAttribution.Experiments.Campaigns;
using CudaAttribution.Experiments.Plans;
using CudaAttribution.Experiments.Units;
using CudaAttribution.Keys;
using CudaAttribution.Measures;
using CudaAttribution.Populations;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Units;
using CudaAttribution.Shadows;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tests;

namespace CudaAttribution.Experiments.Tests.Campaigns;

/// <summary>The published experiments on models that learn next to nothing: that the tables say what the models answered.</summary>
public sealed class PaperTests
{
    private static readonly DataSpec Own = new() { Set = "emoji:twitter", Shuffle = 1, Count = 12 };

    private static readonly PaperRecipe Recipe = new()
    {
        Base = "g0",
        Sources = [new("a", Own, new DataSpec { Set = "emoji:twitter", Shuffle = 1, Start = 12, Count = 12 }, 5)],
        SourceTraining = new FineTuneRecipe { Steps = 2, BatchSize = 4, LearningRate = 0.01, CheckpointInterval = 0 },
        Sampling = new SamplingRecipe { Steps = 2, Guidance = 1 },
        // Untrained models answer alike: a threshold among their distances, and no filter by likeness.
        Keys = new KeySelectionOptions { Count = 3, Draws = 2, Lambda = 0, Threshold = 0.05 },
        Training = new FineTuneRecipe { Steps = 2, BatchSize = 4, CheckpointInterval = 0 },
        Count = 18, Rhos = [0.5, 1], Regimes = [PromptRegime.Natural, PromptRegime.Forced, PromptRegime.Disjoint], Models = 1,
        Families =
        [
            new(InnocentFamily.RealOther, 2), new(InnocentFamily.RealSame, 1), new(InnocentFamily.RealOwn, 1), new(InnocentFamily.Twin, 1),
            new(InnocentFamily.Sibling, 1),
        ],
        Other = new DataSpec { Set = "emoji:openmoji", Count = 60 },
        Shadows = new(2, [0.5, 1], new DataSpec { Set = "emoji:openmoji", Start = 60, Count = 60 }, "px", 2, 2),
    };

    private ComputeDevice _device = null!;
    private UnitStore _store = null!;
    private PaperPlan _plan = null!;
    private PaperResult _result = null!;
    private RunFolder _folder = null!;

    [OneTimeSetUp]
    public void RunOnce()
    {
        _device = ComputeDevice.Open("cpu", "kernels");
        _store = UnitStore.OpenOrCreate(TestFolder.New("units"));
        _plan = new PaperPlan(Recipe, 3, _store, new TinyModels(_device, TestFolder.New("models")).Folder, engine: null);
        _store.Add(_plan.Graph);
        TinyModels.Compute(_device, _store, _plan.Graph);
        _folder = new RunFolder(TestFolder.New("run"));
        _result = new PaperTables(Recipe, 3, _plan, _store).Count(_folder);
    }

    [OneTimeTearDown]
    public void Close() => _device.Dispose();

    [Test]
    public void Every_group_is_in_every_table()
    {
        (string, string, double)[] groups =
        [
            .. from s in new[] { "a" }
               from g in new[] { "natural", "forced", "disjoint" }.SelectMany(r => new[] { (r, 0.5), (r, 1.0) })
                   .Concat(new[] { "real-other", "real-same", "real-own", "twin", "sibling" }.Select(f => (f, 0.0)))
               select (s, g.Item1, g.Item2),
        ];
        using (Assert.EnterMultipleScope())
        {
            Assert.That(_result.Bins.Select(r => (r.Source, r.Group, r.Rho)), Is.EqualTo(groups));
            Assert.That(_result.Conf.Select(r => (r.Source, r.Group, r.Rho)), Is.EqualTo(groups.SelectMany(g => Enumerable.Repeat(g, 3))));
            Assert.That(_result.Conf.Take(3).Select(r => r.Strategy), Is.EqualTo(new[] { KeyStrategy.Generate, KeyStrategy.Detect, KeyStrategy.Random }));
            Assert.That(_result.KeyCounts.Select(r => (r.Source, r.Group, r.Rho)), Is.EqualTo(groups));
            Assert.That(_result.Statistical.Select(r => (r.Source, r.Group, r.Metrics.Infringing, r.Metrics.Innocent)), Is.EqualTo(
                from s in new[] { "a" } from r in new[] { "natural", "forced", "disjoint" } select (s, r, 2, 2)));
            Assert.That(_result.Alarms.Select(a => (a.Family, a.Models)), Is.EqualTo(Recipe.Families.Select(f => (f.Family, f.Models))));
            Assert.That(_result.Bins.Select(b => b.Shares.Sum()), Is.All.EqualTo(1).Within(1e-12));
        }
    }

    [Test]
    public void Prompts_are_those_of_the_regime()
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(_result.Conf.Where(r => r.Group == "forced").Select(r => r.Kappa), Is.All.EqualTo(1), "of all three strategies");
            Assert.That(_result.Conf.Where(r => r.Group == "disjoint").Select(r => r.Kappa), Is.All.EqualTo(0));
            Assert.That(_result.Conf.Where(r => r.Rho == 0).Select(r => r.Kappa), Is.All.Null);
        }
    }

    /// <summary>Of one model, by its own answers: distances and conf, without the code that made the table.</summary>
    [Test]
    public void Conf_is_the_share_of_answers_within_the_threshold()
    {
        var one = _plan.Cases.Single(c => c.Source.Name == "a" && c.Family == InnocentFamily.Twin);
        using var model = LocalModel.Open(_store.ResultOf(one.Model), _device, Recipe.Sampling);
        using (Assert.EnterMultipleScope())
        {
            foreach (var (i, strategy) in PaperPlan.Strategies.Index())
            {
                var keys = KeySet.Load(Path.Combine(_store.ResultOf(_plan.Keys(one.Source, strategy)), KeySet.FolderName));
                var answers = model.Generate(
                    [.. keys.Keys.Select((k, n) => new Query(k.Prompt, new NoiseId(NoisePurpose.Testing, model.Identity, Philox.Stream($"key set {i}", 3), n)))]);
                double[] distances = [.. keys.Keys.Zip(answers).Select(p => new PixelDistance(_device).Between(p.First.ReferenceImage, p.Second.Image!))];
                Assert.That(ExaminedModel.Load(_store.ResultOf(one.Examined)).Sets[i].Distances, Is.EqualTo(distances));
                Assert.That(
                    _result.Conf.Single(r => r.Source == "a" && r.Group == "twin" && r.Strategy == strategy).Conf,
                    Is.EqualTo(distances.Count(d => d <= 0.05) / 3.0));
            }
        }
    }

    [Test]
    public void Shadows_share_nothing_with_the_test_models()
    {
        var record = _plan.Cases.Select(c => (c.Role, Path: _store.ResultOf(c.Model))).Where(c => File.Exists(Path.Combine(c.Path, ModelFiles.Record)))
            .Select(c => (c.Role, Record: ModelRecord.Load(c.Path))).ToArray();
        string[] real = [.. record.Where(r => r.Role != ModelRole.Shadow && r.Record.RealData is not null).Select(r => r.Record.RealData!)];
        using (Assert.EnterMultipleScope())
        {
            Assert.That(record.Select(r => (r.Record.Plan.Seed, r.Record.Identity)).Distinct().Count(), Is.EqualTo(record.Length));
            Assert.That(record.Count(r => r.Role == ModelRole.Shadow), Is.EqualTo(4));
            string[] shadows = [.. record.Where(r => r.Role == ModelRole.Shadow && r.Record.RealData is not null).SelectMany(Captions)];
            string[] tests = [.. record.Where(r => r.Role == ModelRole.Suspect && r.Record.RealData is not null).SelectMany(Captions)];
            Assert.That(shadows.Intersect(tests), Is.Empty, "real pictures, by their captions");
        }

        static IEnumerable<string> Captions((ModelRole, ModelRecord Record) one) => one.Record.Prompts.Skip(one.Record.Generated);
    }

    [Test]
    public void Discriminators_are_those_of_the_shadows()
    {
        var discriminator = Discriminator.Load(_folder.Path("a/discriminator.json"));
        Assert.That(discriminator.Shadows.Select(s => (s.Name, s.Rho)), Is.EqualTo(
            [("infringing shadow 1", 0.5), ("innocent shadow 1", 0.0), ("infringing shadow 2", 1.0), ("innocent shadow 2", 0.0)]));
        var own = _plan.Cases.Single(c => c.Source.Name == "a" && c.Family == InnocentFamily.RealOwn);
        var score = discriminator.Score(ModelFeatures.Load(Path.Combine(_store.ResultOf(own.Examined), ModelFeatures.FileName)));
        Assert.That(_result.Alarms.Single(a => a.Source == "a" && a.Family == InnocentFamily.RealOwn).Alarms, Is.EqualTo(score.Infringing ? 1 : 0));
    }

    [Test]
    public void Page_and_tables_have_every_row()
    {
        string page = PaperPage.Render(_result, Recipe);
        var tables = PaperPage.Csv(_result).ToDictionary(t => t.File, t => t.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(tables["e1-conf.csv"], Has.Length.EqualTo(1 + _result.Conf.Count));
            Assert.That(tables.Values.Select(rows => rows.Select(r => r.Split(',').Length).Distinct().Count()), Is.All.EqualTo(1));
            foreach (var finding in _result.Findings) Assert.That(page, Does.Contain(finding.Statement));
            Assert.That(page, Does.Contain("sources a; 12 test models, 4 shadow models of each source"));
        }
    }

    [Test]
    public void Findings_are_held_where_the_figures_say_so([Values] bool good)
    {
        ConfRow Row(string group, double rho, KeyStrategy strategy, double conf, double? kappa = 1) => new("s", group, rho, strategy, 3, conf, conf, conf, kappa);
        double[] rhos = [0.3, 1], generate = good ? [0.61, 0.61] : [0.6, 0.59], random = good ? [0.4, 0.41] : [0.41, 0.3];
        var result = _result with
        {
            Conf =
            [
                .. rhos.Zip(generate, (r, c) => Row("forced", r, KeyStrategy.Generate, c)), .. rhos.Zip(random, (r, c) => Row("forced", r, KeyStrategy.Random, c)),
                .. rhos.Select(r => Row("forced", r, KeyStrategy.Detect, good ? 0.5 : 0.62)), Row("real-other", 0, KeyStrategy.Generate, 1, null),
            ],
            Bins = [new("s", "real-other", 0, good ? [0.05, 0.05, 0.9, 0] : [0.05, 0.06, 0.89, 0], 0.3, 0.1)],
            KeyCounts = [new("s", "natural", 1, 10, 0.5), new("s", "natural", 1, 20, good ? 0.5 : 0.6)],
            Statistical = [new("s", "natural", new(9, 9, Figure(0.85, 0.86), Figure(0.8, 0.81), Figure(0.7, 0.71)))],
            Alarms = [new("s", InnocentFamily.Twin, 3, good ? 0 : 1), new("s", InnocentFamily.RealSame, 3, 3)],
        };
        var findings = PaperFindings.Of(result).ToArray();
        Assert.That(findings.Select(f => f.Experiment), Is.EqualTo(new[] { "E1", "E1", "E1", "E2", "E4", "E5", "E3", "E3", "E3", "E6" }));
        Assert.That(findings.Select(f => (f.Statement, f.Held)), Is.EqualTo(findings.Select(f => (f.Statement, good))));

        Estimate Figure(double bad, double well) => new(good ? well : bad, default);
    }

    [Test]
    public void Recipes_that_ship_are_recipes([ValueSource(typeof(PaperRecipe), nameof(PaperRecipe.Budgets))] string budget) =>
        Assert.That(PaperRecipe.Load(budget).Sources, Is.Not.Empty);

    [TestCase("\"count\": 150", "\"count\": 100", "the regime forced puts up to 45 key prompts")]
    [TestCase("\"models\": 3,", "\"models\": 0,", "models is 0")]
    [TestCase("\"rhos\": [0.3, 0.5, 0.7, 1], \"other\"", "\"rhos\": [0.3, 1.5], \"other\"", "of infringing shadows are 0.3, 1.5")]
    [TestCase("\"family\": \"twin\"", "\"family\": \"untouched\"", "one member, the base model")]
    [TestCase("\"family\": \"twin\"", "\"family\": \"sibling\"", "occurs 2 times")]
    [TestCase("\"name\": \"fluent\"", "\"name\": \"twitter\"", "2 sources are called 'twitter'")]
    [TestCase("\"measure\": \"px\"", "\"measure\": \"eye\"", "unknown metric 'eye'")]
    [TestCase("\"regimes\": [\"natural\"", "\"regimes\": [\"unknown\"", "a regime is unknown")]
    [TestCase("\"each\": 6", "\"each\": 1", "1 shadows of each class")]
    [TestCase("cudattr-paper-recipe-1", "cudattr-paper-recipe-9", "cudattr-paper-recipe-9")]
    public void Recipes_that_make_no_sense_are_refused(string from, string to, string why)
    {
        string text = File.ReadAllText(Path.Combine(Repository.Root, "src", "CudaAttribution.Experiments", "paper-quick.json"));
        Assert.That(text, Does.Contain(from));
        var run = new RunFolder(TestFolder.New("recipe"));
        run.Write("recipe.json", text.Replace(from, to));
        Assert.That(() => PaperRecipe.Load("quick", run.Path("recipe.json")), Throws.TypeOf<UserException>().With.Message.Contains(why));
    }
}
