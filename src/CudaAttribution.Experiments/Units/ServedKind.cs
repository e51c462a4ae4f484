using CudaAttribution.Answers;
using CudaAttribution.Populations;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Units;
using CudaAttribution.Served;

namespace CudaAttribution.Experiments.Units;

/// <summary>Settings of <see cref="ServedKind"/>.</summary>
public sealed record ServedSettings
{
    /// <summary>Who is served, and how many pictures.</summary>
    public IReadOnlyList<ServedAccount> Accounts { get; init; } = [];

    /// <summary>Whose captions are asked; needed.</summary>
    public DataSpec? Prompts { get; init; }

    public ulong Seed { get; init; } = 1;

    public SamplingRecipe Sampling { get; init; } = new();

    public UnitEngine? Engine { get; init; }
}

/// <summary>Has a source serve accounts (<see cref="ServedLogDraw"/>): a served log. Inputs: the source, and the data where they are not the program's own.</summary>
public sealed class ServedKind(UnitDevices devices) : IUnitKind
{
    public string Name => "served-1";

    public bool Resumes => true;

    public void Check(WorkUnit unit)
    {
        var settings = UnitSettings.Read<ServedSettings>(unit);
        if (settings.Prompts is null) throw new UserException("this unit cannot serve: it names no prompts", "Say whose captions are asked.", unit.Id);
        ServedLogDraw.Check(settings.Accounts);
        UnitInputs.Check(unit, ["the source", .. UnitInputs.OfData(settings.Prompts)]);
    }

    public void Compute(UnitWork work)
    {
        var settings = UnitSettings.Read<ServedSettings>(work.Unit);
        var inputs = new UnitInputs(work);
        using var source = LocalModel.Open(inputs.Next(), devices.Of(settings.Engine), settings.Sampling);
        string[] prompts = [.. inputs.Data(settings.Prompts!, source.Size).Items.Select(i => i.Caption)];
        inputs.WithAnswers(store => ServedLogDraw.Draw(
            work.Folder, source, settings.Accounts, prompts, settings.Seed, store, (done, total) => work.Tell("pictures", done, total), work.Cancel));
    }
}
