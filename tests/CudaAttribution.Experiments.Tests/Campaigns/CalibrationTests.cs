using CudaAttribution.Answers;
using CudaAttribution.Experiments.Campaigns;
using CudaAttribution.Experiments.Plans;
using CudaAttribution.Experiments.Units;
using CudaAttribution.Measures;
using CudaAttribution.Populations;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Units;
using CudaAttribution.Served;
using CudaAttribution.Statistics;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tests;
using CudaAttribution.Twins;

namespace CudaAttribution.Experiments.Tests.Campaigns;

/// <summary>A whole campaign on models that learn next to nothing: that its counts are right, and that it does not accuse.</summary>
public sealed class CalibrationTests
{
    private static readonly DataSpec Own = new() { Set = "emoji:twitter", Shuffle = 1, Count = 12 }, Other = new() { Set = "emoji:openmoji", Count = 30 };

    private static readonly CalibrationRecipe Recipe = new()
    {
        Base = "g0", Source = "source", Twins = "twins", Sampling = new SamplingRecipe { Steps = 2, Guidance = 1 },
        Training = new FineTuneRecipe { Steps = 3, BatchSize = 4, CheckpointInterval = 0 },
        Law = new InnocentLaw { Steps = [2, 4], Count = [6, 9], Guidance = [1, 2] },
        Fresh = 4, Pictures = 9, Queries = 8, Logs = 100, SwapPrompts = 5, SwapAnswers = 2, SwapRoles = 3, GuiltyLogs = 2, GuiltySwaps = 1,
        Families =
        [
            new() { Name = "twin", Models = 1, FirstSeed = 50 },
            new() { Name = "real-own", Models = 2, FirstSeed = 60, Real = Own },
            new() { Name = "real-other", Models = 1, FirstSeed = 70, Real = Other },
            new() { Name = "sibling", Models = 1, FirstSeed = 80, OtherSource = Own, OtherSeed = 81 },
            new() { Name = "other-service", Models = 1, FirstSeed = 90, OtherSource = Other, OtherSeed = 91 },
        ],
        Guilty =
        [
            new() { Name = "all", Rho = 1, Count = 8, Served = 8, Queries = 6, Models = 2, FirstSeed = 100 },
            new() { Name = "some", Rho = 0.25, Count = 8, Served = 12, Queries = 10, Models = 1, FirstSeed = 110, Real = Other },
        ],
    };

    private ComputeDevice _device = null!;
    private TinyModels _models = null!;
    private UnitStore _store = null!;
    private CalibrationPlan _plan = null!;
    private CalibrationResult _result = null!;

    [OneTimeSetUp]
    public void RunOnce()
    {
        _device = ComputeDevice.Open("cpu", "kernels");
        _models = new TinyModels(_device, TestFolder.New("models"));
        _store = UnitStore.OpenOrCreate(TestFolder.New("units"));
        _plan = new CalibrationPlan(Recipe, 3, CalibrationContents.Import(_store, Recipe, _models.Folder), engine: null);
        _store.Add(_plan.Graph);
        TinyModels.Compute(_device, _store, _plan.Graph);
        _result = new Calibration(Recipe, 3, _plan, _store).Count();
    }

    [OneTimeTearDown]
    public void Close() => _device.Dispose();

    [Test]
    public void Every_group_has_its_tests()
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(_result.Rows.Select(r => (r.Group, r.Test)), Is.EqualTo(
                from g in Recipe.Families.Select(f => f.Name).Concat(Recipe.Guilty.Select(g => g.Name))
                from test in new[] { "served-versus-fresh", "served-versus-fresh, sequential", "source-swap" }
                select (g, test)));
            Assert.That(Row("real-own", "source-swap"), Is.EqualTo((2, 6, false)));
            Assert.That(Row("real-own", "served-versus-fresh"), Is.EqualTo((2, 200, false)));
            Assert.That(Row("all", "served-versus-fresh, sequential"), Is.EqualTo((2, 2, true)));
            Assert.That(Row("all", "source-swap"), Is.EqualTo((1, 1, true)));
            foreach (var row in _result.Rows)
            {
                Assert.That(row.Rates.Select(r => r.Alpha), Is.EqualTo(new[] { 0.1, 0.05, 0.01 }));
                Assert.That(row.Rates.Select(r => r.Alarms), Is.Ordered.Descending);
                foreach (var rate in row.Rates) Assert.That(rate.Interval, Is.EqualTo(ShareInterval.ClopperPearson(rate.Alarms, row.Tests)));
            }
        }

        (int, int, bool) Row(string group, string test) =>
            _result.Rows.Where(r => r.Group == group && r.Test == test).Select(r => (r.Models, r.Tests, r.Guilty)).Single();
    }

    /// <summary>The claim itself, on models that know nothing: 2,000 logs of each of six, three levels. An exact test is not timid either.</summary>
    [Test]
    public void Innocents_are_accused_as_often_as_the_level_says()
    {
        var many = new Calibration(Recipe with { Logs = 2000 }, 4, _plan, _store).Count();
        Assert.That(many.Excesses, Is.Empty);
        var rows = many.Rows.Where(r => !r.Guilty).ToLookup(r => r.Test);
        // 12,000 tests: the standard deviation of the rate is 0.0027 at 0.1, 0.0009 at 0.01. The sums of eight ranks of five are many: p is all but continuous.
        Assert.That(Rate("served-versus-fresh", 0), Is.InRange(0.09, 0.107));
        Assert.That(Rate("served-versus-fresh", 2), Is.InRange(0.007, 0.0125));
        Assert.That(Rate("served-versus-fresh, sequential", 0), Is.InRange(0.02, 0.1));

        double Rate(string test, int level) => rows[test].Sum(r => r.Rates[level].Alarms) / (double)rows[test].Sum(r => r.Tests);
    }

    /// <summary>An answer is the model's to the trial's prompt, and the distances are those of an audit.</summary>
    [Test]
    public void Distances_are_those_of_the_models_answers()
    {
        var one = _plan.Cases.First(c => c.Group == "some");
        var unit = _plan.Graph.Units.Single(u => u.Id == one.Distances);
        var measured = TrialDistances.Load(_store.ResultOf(one.Distances));
        var drawn = DrawnTrials.Load(_store.ResultOf(unit.Inputs[0]));
        var pool = new TrialPool(_store.ResultOf(unit.Inputs[0]), drawn.Trials);
        using var model = LocalModel.Open(_store.ResultOf(unit.Inputs[1]), _device, Recipe.Sampling);
        var answers = model.Generate([.. drawn.Asked.Select((t, i) => new Query(drawn.Trials[t].Prompt, new NoiseId(NoisePurpose.Testing, model.Identity, 3, i)))]);
        var measure = new AlignedMeasure(MeasureRegistry.Create("px", _device));
        using (Assert.EnterMultipleScope())
        {
            Assert.That((measured.Identity, drawn.Asked.Count), Is.EqualTo((model.Identity, 10)));
            Assert.That(measured.Served, Is.EqualTo(drawn.Asked.Select(t => drawn.Trials[t].Served)));
            for (int i = 0; i < 10; i++)
                Assert.That(measured.Distances[i], Is.EqualTo(measure.Distances(pool.Pictures(drawn.Asked[i]), answers[i].Image!)), $"{i}");
        }
    }

    /// <summary>What the models of a group learnt was served, and what is asked about was in the log of their group and number.</summary>
    [Test]
    public void Guilty_models_learn_from_the_log_that_they_are_tested_on()
    {
        foreach (var one in _plan.Cases.Where(c => c.Group is "all" or "some"))
        {
            var unit = _plan.Graph.Units.Single(u => u.Id == one.Distances);
            var trials = _plan.Graph.Units.Single(u => u.Id == unit.Inputs[0]);
            var log = ServedLogReader.Read(_store.ResultOf(trials.Inputs[1]));
            var record = ModelRecord.Load(_store.ResultOf(unit.Inputs[1]));
            var drawn = DrawnTrials.Load(_store.ResultOf(trials.Id));
            using (Assert.EnterMultipleScope())
            {
                Assert.That(record.GeneratedPrompts, Is.SubsetOf(log.Pictures.Select(p => p.Prompt)).And.Count.EqualTo(one.Group == "all" ? 8 : 2));
                Assert.That(drawn.Trials.Select(t => t.Pictures[t.Served]), Is.SubsetOf(log.Pictures.Select(p => p.PixelHash)));
            }
        }
        string Trials(int number) => _plan.Graph.Units.Single(u => u.Id == _plan.Cases.Single(c => c.Group == "all" && c.Number == number).Distances).Inputs[0];
        Assert.That(Trials(0), Is.Not.EqualTo(Trials(1)), "two logs in turn");
    }

    /// <summary>The source in its own place first, then others: p is the share of models that score as high, and no role comes twice.</summary>
    [Test]
    public void Roles_of_source_swap_are_ranks_of_the_scores()
    {
        var swaps = _plan.Cases.Where(c => c.Group == "real-own").Select(c =>
            Json.Read<SourceSwapTest>(Path.Combine(_store.ResultOf(c.Swap!), SwapKind.ResultFile), "swap")).ToArray();
        var row = _result.Rows.Single(r => r is { Group: "real-own", Test: "source-swap" });
        // Four models: p is 1/4 at least, whoever is taken for the source.
        Assert.That(row.Rates.Select(r => r.Alarms), Is.EqualTo(new[] { 0, 0, 0 }));
        Assert.That(swaps.Select(s => s.Scores.Count), Is.EqualTo(new[] { 4, 4 }));
        Assert.That(swaps.Select(s => s.Prompts), Is.EqualTo(new[] { 5, 5 }));
        Assert.That(new Calibration(Recipe with { SwapRoles = 4 }, 3, _plan, _store).Count().Rows.Single(r => r is { Group: "twin", Test: "source-swap" }).Tests, Is.EqualTo(4));
    }

    [Test]
    public void The_laws_numbers_differ_from_model_to_model_and_twins_have_the_sources_recipe()
    {
        ModelPlan[] plans = [.. _plan.Graph.Units.Where(u => u.Kind == "model-1").Select(u => UnitSettings.Read<ModelSettings>(u).Plan!)];
        var own = plans.Where(p => p.Name == "real-own").ToArray();
        var twin = UnitSettings.Read<TwinSettings>(_plan.Graph.Units.First(u => u.Kind == "twin-1"));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(own.Select(p => (p.Training.Steps, p.Count)), Is.EqualTo(new ulong[] { 60, 61 }.Select(s => (Recipe.Law.Training(Recipe.Training, s).Steps, Recipe.Law.CountOf(s)!.Value))));
            Assert.That(plans.Single(p => p.Name == "sibling"), Has.Property("RealFamily").EqualTo(InnocentFamily.Sibling).And.Property("Role").EqualTo(ModelRole.Innocent));
            Assert.That(plans.Single(p => p.Name == "other-service"), Has.Property("RealFamily").Null.And.Property("Rho").EqualTo(1));
            foreach (var settings in _plan.Graph.Units.Where(u => u.Kind == "model-1").Select(UnitSettings.Read<ModelSettings>))
            {
                bool learns = settings.Plan!.Name is "sibling" or "other-service";
                Assert.That(settings.Plan.SourceGuidance, Is.EqualTo(learns ? Recipe.Law.GuidanceOf(settings.Plan.Seed) : null), settings.Plan.Name);
                if (learns) Assert.That(settings.Sampling, Is.EqualTo(Recipe.Sampling with { Guidance = settings.Plan.SourceGuidance!.Value }));
            }
            Assert.That(twin.Recipe, Is.EqualTo(TwinSet.Load(Path.Combine(_models.Folder, "twins")).Design.Recipe));
        }
    }

    [Test]
    public void The_page_has_every_row_and_says_whether_there_were_too_many_alarms()
    {
        string page = CalibrationPage.Render(_result, Recipe);
        Assert.That(page.Split('\n').Count(l => l.StartsWith("| ", StringComparison.Ordinal)), Is.EqualTo(_result.Rows.Count + Recipe.Guilty.Count + 3));
        var row = _result.Rows[0] with { Tests = 100, Rates = [new(0.1, 16, default), new(0.05, 9, default), new(0.01, 3, default)] };
        var few = _result with { Rows = [row] };
        // 0.1: 10 + 2·3 = 16; 0.05: 5 + 2·2.18 = 9.36; 0.01: 1 + 2·0.995 = 2.99. P(B(100, 0.01) ≥ 3) = 0.079.
        Assert.That(few.Above.Select(e => e.Rate.Alpha), Is.EqualTo(new[] { 0.01 }));
        Assert.That(few.Excesses, Is.Empty);
        Assert.That(CalibrationPage.Render(few, Recipe), Does.Contain("one in forty cells of exact tests is: twin, served-versus-fresh, 0.01: 3 of 100.").And.Contain("0.01): none."));
        // P(B(100, 0.01) ≥ 6) = 5.3e-4, of three cells 0.0016; with 5 it is 0.0034, of three 0.0103.
        CalibrationResult With(int alarms) => few with { Rows = [row with { Rates = [row.Rates[0], row.Rates[1], new(0.01, alarms, default)] }] };
        Assert.That(With(6).Excesses.Select(e => e.Rate.Alarms), Is.EqualTo(new[] { 6 }));
        Assert.That(With(5).Excesses, Is.Empty);
        Assert.That((With(6) with { Rows = [With(6).Rows[0] with { Guilty = true }] }).Excesses, Is.Empty);
    }

    [Test]
    public void A_law_without_count_or_with_guidance_for_nobody_is_refused()
    {
        var recipe = CalibrationRecipe.Load();
        Refused(recipe with { Law = new InnocentLaw() }, "the law has no bounds of count");
        Refused(recipe with { Families = [.. recipe.Families.Where(f => f.OtherSource is null)] }, "no family learns from another source");

        static void Refused(CalibrationRecipe recipe, string said)
        {
            var folder = new RunFolder(TestFolder.New("recipe"));
            folder.WriteJson("r.json", recipe);
            Assert.That(() => CalibrationRecipe.Load(folder.Path("r.json")), Throws.TypeOf<UserException>().With.Message.Contains(said));
        }
    }

    [Test]
    public void The_recipe_that_ships_is_one()
    {
        var recipe = CalibrationRecipe.Load();
        Assert.That(recipe.Families.All(f => f.Models * recipe.Logs >= 300 && f.Models * recipe.SwapRoles >= 60));
        Assert.That(recipe.Guilty.Take(2).All(g => g.Models >= 30 && g.Count * g.Rho == g.Served), "κ = 1");
    }

    [TestCase("\"fresh\": 19", "\"fresh\": 60", "pictures is 60")]
    [TestCase("\"logs\": 50", "\"logs\": 0", "logs is 0")]
    [TestCase("\"name\": \"sibling\"", "\"name\": \"twin\"", "2 groups are called 'twin'")]
    [TestCase("\"rho\": 1,", "\"rho\": 0,", "'rho-1.0-forced' has a share rho of 0")]
    [TestCase("\"rho\": 1,", "\"rho\": 0.9,", "'rho-1.0-forced' has a share rho of 0.9, or no real pictures")]
    [TestCase("\"metric\": \"px\"", "\"metric\": \"lpips\"", "unknown metric 'lpips'")]
    [TestCase("\"logs\": 50", "\"lgos\": 50", "lgos")]
    public void A_broken_recipe_is_named(string was, string becomes, string said)
    {
        var folder = new RunFolder(TestFolder.New("recipe"));
        string text = Json.Write(CalibrationRecipe.Load());
        Assert.That(text, Does.Contain(was));
        folder.Write("r.json", text.Replace(was, becomes));
        Assert.That(() => CalibrationRecipe.Load(folder.Path("r.json")), Throws.TypeOf<UserException>().With.Message.Contains(said));
    }
}
