using CudaAttribution.Answers;
using CudaAttribution.Data.Packs;
using CudaAttribution.Experiments.Plans;
using CudaAttribution.Keys;
using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Files;
using CudaAttribution.Populations;
using CudaAttribution.Tensors;

namespace CudaAttribution.Experiments.Tests;

/// <summary>A models folder as the demo wants it, with untrained models: enough to run everything, not to show anything.</summary>
internal sealed class TinyModels
{
    public const int Size = 16;

    public TinyModels(ComputeDevice device, string folder)
    {
        Folder = folder;
        var captions = EmojiPack.Load("twitter", Size).Shuffle(1).Take(60).Items.Select(i => i.Caption).ToArray();
        using (var g0 = DiffusionModel.Create(ModelPreset.Load("nano"), captions, device, 1)) g0.Save(Path.Combine(folder, "g0"));
        using (var source = DiffusionModel.Create(ModelPreset.Load("nano"), captions, device, 2)) source.Save(Path.Combine(folder, "source"));
        var plan = new InnocentPlan
        {
            Training = new FineTuneRecipe { Steps = 2, BatchSize = 4, CheckpointInterval = 0, WeightType = DType.F16 },
            Law = new InnocentLaw { Steps = [2, 3], Count = [7, 8], Guidance = [1, 2] },
            SourceTraining = new FineTuneRecipe { Steps = 4, BatchSize = 3, CheckpointInterval = 0, WeightType = DType.F16 },
            Sampling = new SamplingRecipe { Steps = 2, Guidance = 1 },
            Models =
            [
                Member("sel", InnocentFamily.RealOther, InnocentSplit.Sel, 0),
                Member("cal", InnocentFamily.RealOther, InnocentSplit.Cal, 10),
                Member("other", InnocentFamily.RealOther, InnocentSplit.Null, 20),
                Member("own", InnocentFamily.RealOwn, InnocentSplit.Null, 30),
                Member("sibling", InnocentFamily.Sibling, InnocentSplit.Null, 0) with { Source = "source" },
                Member("twin", InnocentFamily.Twin, InnocentSplit.Null, 40),
                new InnocentMemberPlan { Name = "untouched", Family = InnocentFamily.Untouched, Split = InnocentSplit.Null },
            ],
        };
        var builder = new InnocentBuilder(device, new FineTuner(device, Path.Combine(folder, "g0")));
        Innocents = builder.Build(plan, folder, Path.Combine(folder, "innocents"));
    }

    public string Folder { get; }

    public InnocentSet Innocents { get; }

    public static DemoRecipe Recipe { get; } = new()
    {
        Base = "g0",
        Source = "source",
        Innocents = "innocents",
        SourceData = new DataSpec { Set = "emoji:twitter", Shuffle = 1, Count = 12 },
        Sampling = new SamplingRecipe { Steps = 2, Guidance = 1 },
        Metric = "px",
        Alpha = 0.01,
        Keys = new KeySelectionOptions { Count = 4, Draws = 2, Threshold = 0.01 },
        Training = new FineTuneRecipe { Steps = 4, BatchSize = 4, CheckpointInterval = 2 },
        Suspects =
        [
            new DemoSuspectRecipe { Name = "all", Rho = 1, Count = 10 },
            new DemoSuspectRecipe
            {
                Name = "half",
                Rho = 0.5,
                Count = 10,
                Family = InnocentFamily.RealOther,
                Real = new DataSpec { Set = "emoji:openmoji", Count = 40 },
            },
            new DemoSuspectRecipe
            {
                Name = "own",
                Rho = 0,
                Count = 12,
                Family = InnocentFamily.RealOwn,
                Real = new DataSpec { Set = "emoji:twitter", Shuffle = 1, Count = 12 },
            },
        ],
    };

    private static InnocentMemberPlan Member(string name, InnocentFamily family, InnocentSplit split, int start) => new()
    {
        Name = name,
        Family = family,
        Split = split,
        Data = new DataSpec { Set = "emoji:openmoji", Start = start, Count = 8 },
        Seed = (ulong)start,
    };
}
