using CudaAttribution.Answers;
using CudaAttribution.Evidence;
using CudaAttribution.Measures;
using CudaAttribution.Populations;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Units;

namespace CudaAttribution.Experiments.Units;

/// <summary>An innocent of <see cref="InnocentsSettings"/>; members as in <see cref="Innocent"/>.</summary>
public sealed record ScoredInnocent(string Name, InnocentFamily Family, InnocentSplit Split, string Identity);

/// <summary>Settings of <see cref="InnocentsKind"/>.</summary>
public sealed record InnocentsSettings
{
    /// <summary>The CAL and NULL innocents, in the order of their inputs.</summary>
    public IReadOnlyList<ScoredInnocent> Innocents { get; init; } = [];

    public ulong Seed { get; init; } = 1;

    public SamplingRecipe Sampling { get; init; } = new();

    public UnitEngine? Engine { get; init; }
}

/// <summary>Puts keys to innocents, for <c>null.json</c>. Inputs: the keys, and each innocent.</summary>
public sealed class InnocentsKind(UnitDevices devices) : IUnitKind
{
    public string Name => "innocents-1";

    public bool Resumes => true;

    public void Check(WorkUnit unit)
    {
        var settings = UnitSettings.Read<InnocentsSettings>(unit);
        if (settings.Innocents.FirstOrDefault(i => i.Split == InnocentSplit.Sel) is { } sel)
            throw new UserException($"this unit cannot score '{sel.Name}': it is of split SEL", "Give innocents of CAL and NULL.", unit.Id);
        UnitInputs.Check(unit, ["the keys", .. settings.Innocents.Select(i => $"the innocent '{i.Name}'")]);
    }

    public void Compute(UnitWork work)
    {
        var settings = UnitSettings.Read<InnocentsSettings>(work.Unit);
        var device = devices.Of(settings.Engine);
        var inputs = new UnitInputs(work);
        var keys = inputs.Keys();
        (Innocent, UnopenedModel)[] innocents = [.. settings.Innocents.Select(Unopened)];
        inputs.WithAnswers(answers => work.Folder.WriteJson(
            NullTable.FileName,
            new InnocentScorer(MeasureRegistry.Create(keys.Header.Metric, device), answers)
                .Score(keys, innocents, settings.Seed, (done, total) => work.Tell("models", done, total), work.Cancel)));

        (Innocent, UnopenedModel) Unopened(ScoredInnocent i)
        {
            string folder = inputs.Next();
            return (
                new Innocent(i.Name, i.Family, i.Split, i.Identity, ""),
                new UnopenedModel(i.Name, i.Identity, () => LocalModel.Open(folder, device, settings.Sampling, i.Name)));
        }
    }
}
