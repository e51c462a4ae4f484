using CudaAttribution.Answers;
using CudaAttribution.Keys;
using CudaAttribution.Populations;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Units;
using CudaAttribution.Served;

namespace CudaAttribution.Experiments.Units;

/// <summary>Settings of <see cref="ModelKind"/>.</summary>
public sealed record ModelSettings
{
    /// <summary>What to build; needed.</summary>
    public ModelPlan? Plan { get; init; }

    /// <summary>How the source makes the generated pictures.</summary>
    public SamplingRecipe Sampling { get; init; } = new();

    /// <summary>Whose captions the prompts of the generated pictures are drawn from; null for none.</summary>
    public DataSpec? Prompts { get; init; }

    /// <summary>The real pictures; null for none.</summary>
    public DataSpec? Real { get; init; }

    /// <summary>How many of the owner's key sets are inputs: for prompts that are fitted to them, and to record the overlap with the first.</summary>
    public int KeySets { get; init; }

    public UnitEngine? Engine { get; init; }
}

/// <summary>
/// Builds the model of a plan, of any role, into the files of <see cref="ModelFiles"/>. Inputs: the base model, the source where ρ is above 0, the served
/// log where the plan names an account, the keys where they are wanted, and prompts and real pictures where they are not the program's own.
/// </summary>
public sealed class ModelKind(UnitDevices devices) : IUnitKind
{
    public string Name => "model-1";

    public bool Resumes => true;

    public void Check(WorkUnit unit)
    {
        var settings = UnitSettings.Read<ModelSettings>(unit);
        var plan = settings.Plan ?? throw new UserException("this unit cannot build a model: it has no plan", "Say what to build.", unit.Id);
        plan.Validate();
        UnitInputs.Check(
            unit,
            [
                "the base model", .. plan.Rho > 0 ? ["the source"] : Array.Empty<string>(), .. plan.Account is null ? Array.Empty<string>() : ["the served log"],
                .. Enumerable.Repeat("the keys", settings.KeySets),
                .. UnitInputs.OfData(settings.Prompts), .. UnitInputs.OfData(settings.Real),
            ]);
    }

    public void Compute(UnitWork work)
    {
        var settings = UnitSettings.Read<ModelSettings>(work.Unit);
        var (plan, device, inputs) = (settings.Plan!, devices.Of(settings.Engine), new UnitInputs(work));
        var tuner = new FineTuner(device, inputs.Next());
        using var source = plan.Rho > 0 ? LocalModel.Open(inputs.Next(), device, settings.Sampling) : null;
        var log = plan.Account is null ? null : ServedLogReader.Read(inputs.Next());
        KeySet[] keys = [.. Enumerable.Range(0, settings.KeySets).Select(_ => inputs.Keys())];
        var given = new ModelInputs
        {
            Source = source,
            Log = log,
            Keys = keys,
            PromptPool = settings.Prompts is { } prompts ? [.. inputs.Data(prompts, tuner.Size).Items.Select(i => i.Caption)] : [],
            Real = settings.Real is { } real ? inputs.Data(real, tuner.Size) : null,
        };
        // Training stops by itself where it is cancelled, with a checkpoint.
        new ModelBuilder(tuner).Build(
            work.Folder.Root, plan, given, p => work.Progress.Report(p with { Unit = work.Unit.Id }), work.Cancel);
    }
}
