using CudaAttribution.Answers;
using CudaAttribution.Evidence;
using CudaAttribution.Populations;
using CudaAttribution.Reports;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Units;

namespace CudaAttribution.Experiments.Units;

/// <summary>Settings of <see cref="AttributeKind"/>.</summary>
public sealed record AttributeSettings
{
    /// <summary>What the result calls the suspect; needed.</summary>
    public string Suspect { get; init; } = "";

    public double Alpha { get; init; } = new AttributionOptions().Alpha;

    public double CalibrationQuantile { get; init; } = new AttributionOptions().CalibrationQuantile;

    public double IntervalLevel { get; init; } = new AttributionOptions().IntervalLevel;

    /// <summary>Whether scored innocents are an input.</summary>
    public bool WithInnocents { get; init; }

    public ulong Seed { get; init; } = 1;

    public SamplingRecipe Sampling { get; init; } = new();

    public UnitEngine? Engine { get; init; }

    /// <summary>As the attribution takes them.</summary>
    public AttributionOptions Options() => new()
    {
        Alpha = Alpha, CalibrationQuantile = CalibrationQuantile, IntervalLevel = IntervalLevel, Seed = Seed,
    };
}

/// <summary>
/// Asks a suspect the keys, counts and ranks: <c>result.json</c> and its answers in <c>images</c>. Inputs: the keys, the scored
/// innocents where they are wanted, the suspect.
/// </summary>
public sealed class AttributeKind(UnitDevices devices) : IUnitKind
{
    public string Name => "attribute-2";

    public bool Resumes => true;

    public void Check(WorkUnit unit)
    {
        var settings = UnitSettings.Read<AttributeSettings>(unit);
        if (settings.Suspect.Length == 0) throw new UserException("this unit cannot be computed: the suspect has no name", "Name it.", unit.Id);
        settings.Options().Validate();
        UnitInputs.Check(unit, ["the keys", .. settings.WithInnocents ? ["the scored innocents"] : Array.Empty<string>(), "the suspect"]);
    }

    public void Compute(UnitWork work)
    {
        var settings = UnitSettings.Read<AttributeSettings>(work.Unit);
        var device = devices.Of(settings.Engine);
        var inputs = new UnitInputs(work);
        var keys = inputs.Keys();
        var nulls = settings.WithInnocents ? NullTable.Load(Path.Combine(inputs.Next(), NullTable.FileName)) : null;
        using var suspect = OpenedSuspect.Local(inputs.Next(), device, settings.Sampling, name: settings.Suspect);
        inputs.WithAnswers(answers => AttributionFolder.WriteResult(
            work.Folder, AttributionJob.Examine(keys, nulls, suspect, device, answers, settings.Options(), work.Cancel)));
    }
}
