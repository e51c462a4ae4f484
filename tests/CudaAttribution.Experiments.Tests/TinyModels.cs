using CudaAttribution.Answers;
using CudaAttribution.Data.Packs;
using CudaAttribution.Experiments.Plans;
using CudaAttribution.Experiments.Units;
using CudaAttribution.Keys;
using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Files;
using CudaAttribution.Populations;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Units;
using CudaAttribution.Tensors;
using CudaAttribution.Tests;
using CudaAttribution.Twins;

namespace CudaAttribution.Experiments.Tests;

/// <summary>A models folder as demo and campaigns want it, with all but untrained models: enough to run everything, not to show anything.</summary>
internal sealed class TinyModels
{
    private static readonly FineTuneRecipe SourceRecipe = new() { Steps = 2, BatchSize = 4, LearningRate = 0.01, CheckpointInterval = 0, WeightType = DType.F16 };

    private static readonly DataSpec SourceData = new() { Set = "emoji:twitter", Shuffle = 1, Count = 12 };

    public TinyModels(ComputeDevice device, string folder)
    {
        Folder = folder;
        var captions = EmojiPack.Load("twitter", 16).Shuffle(1).Take(60).Items.Select(i => i.Caption).ToArray();
        string g0 = Path.Combine(folder, "g0"), trained = TestFolder.New("source");
        using (var model = DiffusionModel.Create(ModelPreset.Load("nano"), captions, device, 1)) model.Save(g0);
        new FineTuner(device, g0).Train(new RunFolder(trained), SourceData.Load(16), SourceRecipe, 5);
        Directory.Move(Path.Combine(trained, ModelFiles.Model), Path.Combine(folder, "source"));
        var work = new RunFolder(TestFolder.New("twins"));
        var plan = new TwinRequest
        {
            Source = Path.Combine(folder, "source"), Base = g0, Training = new SourceTraining { Recipe = SourceRecipe, Data = SourceData, Seed = 5 },
            Count = 3, Draws = 2, Sampling = Recipe.Sampling, Statement = TwinDesign.NotPicked,
        }.Plan(device, work);
        var store = TwinPlan.StoreOf(work.Root);
        Compute(device, store, plan.Units().Graph);
        plan.Assemble(store, work).CopyTo(new RunFolder(Path.Combine(folder, "twins")));
    }

    public string Folder { get; }

    public static DemoRecipe Recipe { get; } = new()
    {
        Base = "g0",
        Source = "source",
        Twins = "twins",
        SourceData = SourceData,
        Sampling = new SamplingRecipe { Steps = 2, Guidance = 1 },
        Accounts = [new("ada", 12), new("ben", 8)],
        Audit = new(Alpha: 0.01, Fresh: 3, Prompts: 5, SwapPrompts: 4, SwapAnswers: 2),
        Metric = "px",
        Keys = new KeySelectionOptions { Count = 4, Draws = 2, Threshold = 0.01 },
        Training = new FineTuneRecipe { Steps = 4, BatchSize = 4, CheckpointInterval = 2 },
        Suspects =
        [
            new DemoSuspectRecipe { Name = "all", Rho = 1, Count = 10, Account = "ada" },
            new DemoSuspectRecipe
            {
                Name = "half",
                Rho = 0.5,
                Count = 10,
                Account = "ben",
                Family = InnocentFamily.RealOther,
                Real = new DataSpec { Set = "emoji:openmoji", Count = 40 },
            },
            new DemoSuspectRecipe
            {
                Name = "own", Rho = 0, Count = 12, Family = InnocentFamily.RealOwn, Real = SourceData,
                Training = new FineTuneRecipe { Steps = 3, BatchSize = 4, CheckpointInterval = 0 },
            },
        ],
    };

    /// <summary>Computes units in this process.</summary>
    public static void Compute(ComputeDevice device, UnitStore store, UnitGraph graph)
    {
        var kinds = ExperimentKinds.All(new UnitDevices(_ => device));
        var result = new InProcessRunner(store, kinds).RunAsync(graph, new Progress<UnitProgress>()).GetAwaiter().GetResult();
        Assert.That(result.IsComplete, string.Join('\n', result.Units.Select(u => u.Reason)));
    }
}
