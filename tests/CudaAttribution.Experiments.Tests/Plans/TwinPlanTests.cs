using System.Text.Json;
using System.Text.Json.Nodes;
using CudaAttribution.Answers;
using CudaAttribution.Data.Datasets;
using CudaAttribution.Experiments.Plans;
using CudaAttribution.Experiments.Units;
using CudaAttribution.Images;
using CudaAttribution.Measures;
using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Files;
using CudaAttribution.Populations;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Manifests;
using CudaAttribution.Runs.Units;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tests;
using CudaAttribution.Twins;

namespace CudaAttribution.Experiments.Tests.Plans;

/// <summary>A source, four twins and a suspect, all but untrained: that the figures are right, not that they show anything.</summary>
public sealed class TwinPlanTests
{
    private static readonly DataSpec Data = new() { Set = "emoji:twitter", Shuffle = 1, Count = 6 };
    private static readonly FineTuneRecipe Recipe = new() { Steps = 3, BatchSize = 3, LearningRate = 0.01, WeightType = DType.F16 };
    private static readonly SamplingRecipe Sampling = new() { Steps = 2, Guidance = 1 };

    private ComputeDevice _device = null!;
    private string _base = null!, _source = null!, _folder = null!;
    private TwinRequest _request = null!;
    private TwinPlan _plan = null!;
    private TwinSet _set = null!;

    [OneTimeSetUp]
    public void MakeOnce()
    {
        _device = ComputeDevice.Open("cpu", "kernels");
        (_base, _source, _folder) = (TestFolder.New("g0"), TestFolder.New("source"), TestFolder.New("twins"));
        var data = Data.Load(16);
        using (var g0 = DiffusionModel.Create(ModelPreset.Load("nano"), data.Items.Select(i => i.Caption), _device, 1)) g0.Save(_base);
        new FineTuner(_device, _base).Train(new RunFolder(_source), data, Recipe, 5);
        _request = new TwinRequest
        {
            Source = _source, Base = _base, Training = new SourceTraining { Recipe = Recipe, Data = Data, Seed = 5 }, Count = 4, Draws = 2, DrawingSeed = 3,
            Sampling = Sampling, Statement = TwinDesign.NotPicked,
        };
        _plan = _request.Plan(_device, new RunFolder(_folder));
        Compute();
        _set = _plan.Assemble(TwinPlan.StoreOf(_folder), new RunFolder(_folder));
    }

    [OneTimeTearDown]
    public void Close() => _device.Dispose();

    [Test]
    public void Source_and_twins_are_what_was_asked_for()
    {
        using var source = LocalModel.Open(_source, _device, Sampling);
        var design = _set.Design;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(design.Seeds, Is.EqualTo((ulong[])[6, 7, 8, 9]));
            Assert.That(design.Source, Is.EqualTo(new TwinSource("source", source.Identity, 5)));
            Assert.That(design.Prompts, Is.EqualTo(Data.Load(16).Items.Select(i => i.Caption)));
            Assert.That(_set.SourceReproduced, Is.True);
            Assert.That(_set.Models.Select(m => m.Name), Is.EqualTo(["source", "twin 6", "twin 7", "twin 8", "twin 9"]));
            Assert.That(_set.Pictures(0, 4), Is.EqualTo(Draw(source, 4)));
            Assert.That(Json.Write(TwinPlan.Load(_folder)), Is.EqualTo(Json.Write(_plan)));
        }
    }

    [Test]
    public void A_twin_is_the_same_as_one_that_is_trained_by_itself()
    {
        string alone = TestFolder.New("alone");
        Assert.That(new FineTuner(_device, _base).Train(new RunFolder(alone), Data.Load(16), Recipe, 8), Is.EqualTo(_set.Models[3].Identity));
        using var twin = LocalModel.Open(alone, _device, Sampling);
        Assert.That(_set.Pictures(3, 1), Is.EqualTo(Draw(twin, 1)));
    }

    /// <summary>Distances, deviations and cosines once more, in plain floating point.</summary>
    [Test]
    public void The_test_of_a_suspect_agrees_with_an_independent_computation()
    {
        using var suspect = Suspect();
        var swap = new SourceSwap(_set, MeasureRegistry.Create("px", _device));
        int[] chosen = SwapChoice.Sharpest(swap.Contrasts(), 3);
        var asked = chosen.Select(p => (p, (IReadOnlyList<RgbImage>)Draw(suspect, p))).ToArray();
        var test = swap.Test(asked);

        double[] contrasts = [.. Enumerable.Range(0, 6).Select(Contrast)];
        Assert.That(chosen, Is.EqualTo(Enumerable.Range(0, 6).OrderByDescending(p => contrasts[p]).Take(3)));
        var scores = new double[5];
        foreach (var (prompt, answers) in asked)
        {
            double[][] means = [.. Enumerable.Range(0, 5).Select(m => Mean(_set.Pictures(m, prompt)))];
            double[] all = [.. Enumerable.Range(0, means[0].Length).Select(i => means.Average(m => m[i]))];
            double[] deviation = Minus(Mean(answers), all);
            for (int m = 0; m < 5; m++) scores[m] += Cosine(deviation, Minus(means[m], all)) / 3;
        }
        using (Assert.EnterMultipleScope())
        {
            Assert.That(test.Scores, Is.EqualTo(scores).Within(1e-9));
            Assert.That(test.PValue, Is.EqualTo(test.Scores.Count(s => s >= test.Scores[0]) / 5.0));
            Assert.That(test.Prompts, Is.EqualTo(3));
        }

        static double[] Mean(IReadOnlyList<RgbImage> pictures) =>
            [.. Enumerable.Range(0, pictures[0].Pixels.Length).Select(i => pictures.Average(p => p.Pixels[i] / 255.0))];

        static double[] Minus(double[] a, double[] b) => [.. a.Zip(b, (x, y) => x - y)];

        static double Cosine(double[] a, double[] b) => a.Zip(b, (x, y) => x * y).Sum() / Math.Sqrt(a.Sum(x => x * x) * b.Sum(x => x * x));

        double Contrast(int prompt)
        {
            RgbImage[][] of = [.. Enumerable.Range(0, 5).Select(m => _set.Pictures(m, prompt))];
            double within = of.Average(p => Distance(p[0], p[1]));
            var between = from a in Enumerable.Range(0, 5) from b in Enumerable.Range(a + 1, 4 - a) from x in of[a] from y in of[b] select Distance(x, y);
            return between.Average() / within;
        }
    }

    [Test]
    public void What_is_repeated_changes_nothing()
    {
        var before = FileHashes.Of(_folder);
        Assert.That(Json.Write(_request.Plan(_device, new RunFolder(_folder))), Is.EqualTo(Json.Write(_plan)));
        Compute();
        Assert.That(_plan.Assemble(TwinPlan.StoreOf(_folder), new RunFolder(_folder)).Root, Is.EqualTo(_set.Root));
        Assert.That(FileHashes.Of(_folder), Is.EqualTo(before));
        Assert.That(
            () => (_request with { DrawingSeed = 4 }).Plan(_device, new RunFolder(_folder)),
            Throws.TypeOf<UserException>().With.Message.Contains("another run's twins").And.Message.Contains("drawing_seed"));
    }

    [Test]
    public void What_is_not_computed_or_was_changed_makes_no_set()
    {
        string folder = TestFolder.New("twins");
        var plan = _request.Plan(_device, new RunFolder(folder));
        var store = TwinPlan.StoreOf(folder);
        Assert.That(() => plan.Assemble(store, new RunFolder(folder)), Throws.TypeOf<UserException>().With.Message.Contains("is not computed yet"));
        Compute(folder, plan);
        string sheet = plan.Units().Sheets[2];
        File.AppendAllText(Path.Combine(store.ResultOf(sheet), SheetRecord.FileName), " ");
        Assert.That(
            () => plan.Assemble(store, new RunFolder(folder)), Throws.TypeOf<UserException>().With.Message.Contains($"'sheet.json' of unit {sheet}"));
        Assert.That(File.Exists(Path.Combine(folder, TwinSet.FileName)), Is.False);
    }

    [Test]
    public void A_source_that_the_recipe_does_not_give_is_noticed()
    {
        string folder = TestFolder.New("twins");
        var plan = (_request with { Training = _request.Training with { Seed = 77 }, Count = 1 }).Plan(_device, new RunFolder(folder));
        Compute(folder, plan);
        Assert.That(plan.Assemble(TwinPlan.StoreOf(folder), new RunFolder(folder)).SourceReproduced, Is.False);
        string unknown = TestFolder.New("unknown");
        plan = (_request with { Training = _request.Training with { Seed = null }, Count = 1 }).Plan(_device, new RunFolder(unknown));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(plan.Design.Seeds, Is.EqualTo((ulong[])[1]));
            Assert.That(plan.Units().Trained, Has.Count.EqualTo(1));
            Assert.That(plan.Units().SourceAgain, Is.Null);
        }
    }

    [Test]
    public void What_the_manifest_contradicts_is_refused()
    {
        using var source = LocalModel.Open(_base, _device, Sampling);
        var right = Manifest(source.Identity, Data.Load(16).Hash, "kernels");
        Assert.That(() => Plan(right), Throws.Nothing);
        Refused(Manifest("other", Data.Load(16).Hash, "kernels"), "the base model is not what the source was trained with: its manifest says other");
        Refused(Manifest(source.Identity, "other", "kernels"), "the data is not what");
        Refused(Manifest(source.Identity, Data.Load(16).Hash, "onednn"), "the engine of products and convolutions is not what");

        TwinPlan Plan(RunManifest manifest) =>
            (_request with { Training = _request.Training with { Manifest = manifest } }).Plan(_device, new RunFolder(TestFolder.New("p")));

        void Refused(RunManifest manifest, string said) => Assert.That(() => Plan(manifest), Throws.TypeOf<UserException>().With.Message.Contains(said));

        RunManifest Manifest(string g0, string data, string math) => new()
        {
            Command = "finetune", CommandLine = [], Version = "", Seed = 5, Started = default, Finished = default, Runtime = "", OperatingSystem = "",
            Device = new ManifestDevice("", "", "", "", "", 0, 0, math == "kernels" ? _device.Math.Name : math, ""),
            Inputs = new Dictionary<string, string> { ["base"] = g0, ["data"] = data }, Outputs = new Dictionary<string, string>(),
        };
    }

    [Test]
    public void All_that_decides_a_picture_stands_in_the_ids()
    {
        string[] before = Ids(_plan);
        // What a thing is called decides nothing, and base, data and source are inputs by their contents.
        string[] elsewhere =
        [
            "source.name", "source.identity", "base_identity", "data.set", "data.shuffle", "data.start", "data.count", "data_sha256", "side",
            "statement",
        ];
        var full = _plan.Design with { Recipe = Recipe with { MaxGradientNorm = 0.5, MinSnrGamma = 5, AdapterRank = 2, AdapterAlpha = 3, GradientAccumulation = 3 } };
        string[] fullIds = Ids(_plan with { Design = full });
        using (Assert.EnterMultipleScope())
        {
            foreach (string leaf in Leaves(JsonSerializer.SerializeToNode(full, Json.Options)!))
            {
                var changed = JsonSerializer.SerializeToNode(full, Json.Options)!;
                if (!Change(changed, leaf)) continue;
                string[] after = Ids(_plan with { Design = changed.Deserialize<TwinDesign>(Json.Options)! });
                Assert.That(after.SequenceEqual(fullIds), Is.EqualTo(elsewhere.Contains(leaf)), leaf);
            }
            Assert.That(Ids(_plan with { Base = new string('b', 64) }), Is.Not.EqualTo(before));
            Assert.That(Ids(_plan with { Source = new string('b', 64) }), Is.Not.EqualTo(before));
            Assert.That(Ids(_plan with { Data = _plan.Data with { Spec = Data with { Count = 5 } } }), Is.Not.EqualTo(before));
            Assert.That(Ids(_plan with { Engine = new UnitEngine("onednn", "onednn", "a processor") }), Is.Not.EqualTo(before));
        }
    }

    private static string[] Ids(TwinPlan plan) => [.. plan.Units().Graph.Results];

    private static IEnumerable<string> Leaves(JsonNode node, string path = "") => node switch
    {
        JsonObject o => o.Where(p => p.Value is not null).SelectMany(p => Leaves(p.Value!, path.Length == 0 ? p.Key : $"{path}.{p.Key}")),
        _ => [path],
    };

    /// <summary>Changes a number, a text or a list; what is neither is left.</summary>
    private static bool Change(JsonNode root, string leaf)
    {
        string[] names = leaf.Split('.');
        var parent = names[..^1].Aggregate(root, (at, name) => at[name]!);
        var value = parent[names[^1]]!;
        parent[names[^1]] = value.GetValueKind() switch
        {
            JsonValueKind.Number => JsonValue.Create(value.GetValue<double>() + 1),
            JsonValueKind.True or JsonValueKind.False => JsonValue.Create(value.GetValueKind() == JsonValueKind.False),
            JsonValueKind.Array => new JsonArray(value.AsArray()[0]!.DeepClone()),
            JsonValueKind.String when leaf is "recipe.weight_type" => "f32",
            JsonValueKind.String when leaf is "sampling.solver" => "euler",
            JsonValueKind.String when leaf is "on_bad_image" => "skip",
            JsonValueKind.String => value.GetValue<string>() + "!",
            _ => null,
        };
        return parent[names[^1]] is not null;
    }

    private void Compute() => Compute(_folder, _plan);

    private void Compute(string folder, TwinPlan plan)
    {
        var kinds = ExperimentKinds.All(new UnitDevices(_ => _device));
        var result = new InProcessRunner(TwinPlan.StoreOf(folder), kinds).RunAsync(plan.Units().Graph, new Progress<UnitProgress>()).GetAwaiter().GetResult();
        Assert.That(result.IsComplete, string.Join('\n', result.Units.Select(u => u.Reason)));
    }

    /// <summary>Trained on the source's pictures.</summary>
    private LocalModel Suspect()
    {
        string folder = TestFolder.New("suspect");
        var pictures = new CaptionedDataset(
            "served", Enumerable.Range(0, 6).Select(p => new CaptionedImage($"p{p}", _set.Design.Prompts[p], _set.Pictures(0, p)[0])));
        new FineTuner(_device, _base).Train(new RunFolder(folder), pictures, Recipe, 50);
        return LocalModel.Open(folder, _device, Sampling);
    }

    private RgbImage[] Draw(LocalModel model, int prompt) =>
    [
        .. model.Generate(
            [.. Enumerable.Range(2 * prompt, 2).Select(n => new Query(_set.Design.Prompts[prompt], new NoiseId(NoisePurpose.TwinDraws, model.Identity, 3, n)))])
            .Select(a => a.Image!),
    ];

    private static double Distance(RgbImage a, RgbImage b) =>
        Math.Sqrt(a.Pixels.Zip(b.Pixels, (x, y) => Math.Pow((x - y) / 255.0, 2)).Sum() / a.Pixels.Length);
}
