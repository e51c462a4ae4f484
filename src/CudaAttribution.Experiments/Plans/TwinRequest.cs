using CudaAttribution.Answers;
using CudaAttribution.Data.Datasets;
using CudaAttribution.Experiments.Units;
using CudaAttribution.Populations;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Manifests;
using CudaAttribution.Runs.Units;
using CudaAttribution.Tensors;
using CudaAttribution.Twins;

namespace CudaAttribution.Experiments.Plans;

/// <summary>What twins are wanted of a source, in paths.</summary>
public sealed record TwinRequest
{
    /// <summary>The source.</summary>
    public required string Source { get; init; }

    /// <summary>G0.</summary>
    public required string Base { get; init; }

    /// <summary>How the source was trained; twins are trained likewise.</summary>
    public required SourceTraining Training { get; init; }

    /// <summary>B: number of twins.</summary>
    public int Count { get; init; } = 99;

    /// <summary>Seed of the first twin, the others count on; null is the one after the source's, or 1.</summary>
    public ulong? FirstSeed { get; init; }

    /// <summary>What is drawn; null is the captions of the data.</summary>
    public IReadOnlyList<string>? Prompts { get; init; }

    public int Draws { get; init; } = new SheetSettings().Draws;

    public ulong DrawingSeed { get; init; } = 1;

    public SamplingRecipe Sampling { get; init; } = new();

    /// <summary>As <see cref="TwinDesign.Statement"/>.</summary>
    public required string Statement { get; init; }

    /// <summary>Checks what is given against the source's manifest, imports it into the folder's store, and writes the plan and its units.</summary>
    /// <exception cref="UserException">
    /// Something is not what the source was trained with, or makes no sense; or the folder is for other twins.
    /// </exception>
    public TwinPlan Plan(ComputeDevice device, RunFolder folder) => Plan(Design(device), UnitEngine.Of(device), folder);

    /// <summary>Checks what is given against the source's manifest; nothing is written.</summary>
    /// <exception cref="UserException">Something is not what the source was trained with, or makes no sense.</exception>
    public TwinDesign Design(ComputeDevice device)
    {
        var (name, identity, side) = OpenSource(device);
        var tuner = new FineTuner(device, Base);
        var data = Training.Data.Load(tuner.Size, onBadImage: Training.OnBadImage);
        Training.Check(tuner.BaseIdentity, data.Hash, device.Math.Name);
        ulong first = FirstSeed ?? (Training.Seed + 1) ?? 1;
        var design = new TwinDesign
        {
            Source = new TwinSource(name, identity, Training.Seed),
            BaseIdentity = tuner.BaseIdentity,
            Data = Training.Data,
            DataSha256 = data.Hash,
            OnBadImage = Training.OnBadImage,
            Recipe = Training.Recipe,
            Seeds = [.. Enumerable.Range(0, Math.Max(0, Count)).Select(i => unchecked(first + (ulong)i))],
            Prompts = Prompts ?? [.. data.Items.Select(i => i.Caption).Distinct()],
            Draws = Draws,
            Side = side,
            DrawingSeed = DrawingSeed,
            Sampling = Sampling,
            Statement = Statement,
        };
        design.Validate();
        return design;
    }

    /// <summary>Imports what a design of this request needs into the folder's store, and writes the plan and its units.</summary>
    /// <param name="design">The design.</param>
    /// <param name="engine">What trains and draws; null for the project's kernels.</param>
    /// <param name="folder">Gets plan and store.</param>
    /// <exception cref="UserException">The folder is for other twins.</exception>
    internal TwinPlan Plan(TwinDesign design, UnitEngine? engine, RunFolder folder)
    {
        var store = UnitStore.OpenOrCreate(folder.Path(TwinPlan.StoreFolder));
        var plan = new TwinPlan
        {
            Design = design,
            Base = store.Import(LocalModel.ModelFolder(Base)),
            Source = store.Import(LocalModel.ModelFolder(Source)),
            Data = UnitData.Import(store, Training.Data, ""),
            Engine = engine,
        };
        using var claim = Claim.Take(folder, TwinPlan.FileName, plan, "twins");
        store.Add(plan.Units().Graph);
        return plan;
    }

    // Closed again before the base model is opened: at full size there is no room for both.
    private (string Name, string Identity, int Side) OpenSource(ComputeDevice device)
    {
        using var source = LocalModel.Open(Source, device, Sampling);
        return (source.Name, source.Identity, source.Size);
    }
}

/// <summary>How a source was trained.</summary>
public sealed record SourceTraining
{
    public required FineTuneRecipe Recipe { get; init; }

    public required DataSpec Data { get; init; }

    public BadImagePolicy OnBadImage { get; init; }

    /// <summary>Null where it is not known.</summary>
    public ulong? Seed { get; init; }

    /// <summary>The manifest of that training; null where there is none.</summary>
    public RunManifest? Manifest { get; init; }

    /// <summary>Refuses what is not what the manifest says.</summary>
    internal void Check(string baseIdentity, string dataHash, string math)
    {
        if (Manifest is null) return;
        Compare("the base model", Manifest.Inputs.GetValueOrDefault("base"), baseIdentity);
        Compare("the data", Manifest.Inputs.GetValueOrDefault("data"), dataHash);
        Compare("the engine of products and convolutions", Manifest.Device.MathLibrary, math);

        static void Compare(string what, string? then, string now)
        {
            if (then != now)
                throw new UserException(
                    $"{what} is not what the source was trained with: its manifest says {then ?? "nothing"}, here is {now}",
                    "Twins must be trained as the source was: give the same.");
        }
    }
}
