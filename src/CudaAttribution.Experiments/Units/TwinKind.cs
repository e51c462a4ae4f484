using CudaAttribution.Data.Datasets;
using CudaAttribution.Populations;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Units;

namespace CudaAttribution.Experiments.Units;

/// <summary>Settings of <see cref="TwinKind"/>.</summary>
public sealed record TwinSettings
{
    public FineTuneRecipe Recipe { get; init; } = new();

    public ulong Seed { get; init; } = 1;

    /// <summary>The pictures, in the order that they are trained on in; needed.</summary>
    public DataSpec? Data { get; init; }

    public BadImagePolicy OnBadImage { get; init; }

    public UnitEngine? Engine { get; init; }
}

/// <summary>What a <see cref="TwinKind"/> trained: the file <c>twin.json</c>, written last.</summary>
/// <param name="Schema"><see cref="CurrentSchema"/>.</param>
/// <param name="Identity">Identity of the model.</param>
public sealed record TwinRecord(string Schema, string Identity)
{
    public const string FileName = "twin.json";
    public const string CurrentSchema = "cudattr-twin-1";
}

/// <summary>
/// Fine-tunes the base model as <c>cudattr finetune</c> does, to the same bits for the same seed: <c>model/</c>, <c>losses.csv</c>, <c>twin.json</c>.
/// Inputs: the base model, and the data where they are not the program's own.
/// </summary>
public sealed class TwinKind(UnitDevices devices) : IUnitKind
{
    public const string KindName = "twin-1";

    public string Name => KindName;

    public bool Resumes => true;

    public void Check(WorkUnit unit)
    {
        var settings = UnitSettings.Read<TwinSettings>(unit);
        if (settings.Data is null) throw new UserException("this unit cannot train a twin: it names no data", "Say what the source was trained on.", unit.Id);
        settings.Recipe.Validate();
        UnitInputs.Check(unit, ["the base model", .. UnitInputs.OfData(settings.Data)]);
    }

    public void Compute(UnitWork work)
    {
        if (!work.Folder.Has(TwinRecord.FileName)) Train(work);
        FineTuner.RemoveCheckpoints(work.Folder);
    }

    private void Train(UnitWork work)
    {
        var settings = UnitSettings.Read<TwinSettings>(work.Unit);
        var inputs = new UnitInputs(work);
        var tuner = new FineTuner(devices.Of(settings.Engine), inputs.Next());
        var data = inputs.Data(settings.Data!, tuner.Size, settings.OnBadImage);
        string identity = tuner.Train(
            work.Folder, data, settings.Recipe, settings.Seed, p => work.Progress.Report(p with { Unit = work.Unit.Id }), work.Cancel);
        work.Folder.WriteJson(TwinRecord.FileName, new TwinRecord(TwinRecord.CurrentSchema, identity));
    }
}
