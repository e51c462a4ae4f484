using CudaAttribution.Answers;
using CudaAttribution.Measures;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Units;
using CudaAttribution.Shadows;

namespace CudaAttribution.Experiments.Units;

/// <summary>Settings of <see cref="BaselineKind"/>.</summary>
public sealed record BaselineSettings
{
    /// <summary>Pictures of each key prompt, of which the most central is taken.</summary>
    public int Draws { get; init; } = 4;

    public ulong Seed { get; init; } = 1;

    public SamplingRecipe Sampling { get; init; } = new();

    public UnitEngine? Engine { get; init; }
}

/// <summary>What the base model makes of key prompts (<see cref="KeyBaseline"/>), in the folder <c>baseline</c>. Inputs: the base model, the keys.</summary>
public sealed class BaselineKind(UnitDevices devices) : IUnitKind
{
    public const string KindName = "baseline-1";

    public string Name => KindName;

    public bool Resumes => true;

    public void Check(WorkUnit unit)
    {
        int draws = UnitSettings.Read<BaselineSettings>(unit).Draws;
        if (draws < 1) throw new UserException($"{draws} pictures of each prompt are wanted", "Draw at least one.", unit.Id);
        UnitInputs.Check(unit, "the base model", "the keys");
    }

    public void Compute(UnitWork work)
    {
        var settings = UnitSettings.Read<BaselineSettings>(work.Unit);
        var device = devices.Of(settings.Engine);
        var inputs = new UnitInputs(work);
        using var model = LocalModel.Open(inputs.Next(), device, settings.Sampling);
        var keys = inputs.Keys();
        inputs.WithAnswers(store => KeyBaseline
            .Draw(
                keys, model, settings.Draws, settings.Seed, MeasureRegistry.Create(keys.Header.Metric, device), store,
                (done, total) => work.Tell("pictures", done, total), work.Cancel)
            .Save(work.Folder.Path(KeyBaseline.FolderName)));
    }
}
