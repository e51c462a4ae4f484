using CudaAttribution.Answers;
using CudaAttribution.Keys;
using CudaAttribution.Measures;
using CudaAttribution.Populations;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Units;

namespace CudaAttribution.Experiments.Units;

/// <summary>Settings of <see cref="KeysKind"/>.</summary>
public sealed record KeysSettings
{
    /// <summary>What the source was fine-tuned on; needed.</summary>
    public DataSpec? Data { get; init; }

    public KeySelectionOptions Selection { get; init; } = new();

    public string Metric { get; init; } = "px";

    public SamplingRecipe Sampling { get; init; } = new();

    /// <summary>What the keys call the source.</summary>
    public string Source { get; init; } = "source";

    /// <summary>Identities of the SEL innocents, in the order of their inputs.</summary>
    public IReadOnlyList<string> Innocents { get; init; } = [];

    public UnitEngine? Engine { get; init; }
}

/// <summary>
/// Selects and freezes keys into the folder <c>keys</c>. Inputs: the source, each SEL innocent, and the data where they are not the program's own.
/// </summary>
public sealed class KeysKind(UnitDevices devices) : IUnitKind
{
    public string Name => "keys-1";

    public bool Resumes => true;

    public void Check(WorkUnit unit)
    {
        var settings = UnitSettings.Read<KeysSettings>(unit);
        if (settings.Data is null) throw new UserException("this unit cannot select keys: it names no data", "Say what the source was trained on.", unit.Id);
        settings.Selection.Validate();
        MeasureRegistry.CheckPixel(settings.Metric);
        UnitInputs.Check(unit, ["the source", .. settings.Innocents.Select(i => $"the innocent {i}"), .. UnitInputs.OfData(settings.Data)]);
    }

    public void Compute(UnitWork work)
    {
        var settings = UnitSettings.Read<KeysSettings>(work.Unit);
        var device = devices.Of(settings.Engine);
        var inputs = new UnitInputs(work);
        using var source = LocalModel.Open(inputs.Next(), device, settings.Sampling, settings.Source);
        UnopenedModel[] innocents = [.. settings.Innocents.Select(Unopened)];
        var data = inputs.Data(settings.Data!, source.Size);
        inputs.WithAnswers(answers => new KeySelector(MeasureRegistry.Create(settings.Metric, device), answers)
            .Select(source, data, innocents, settings.Selection, (done, total) => work.Tell("pictures", done, total), work.Cancel)
            .Save(work.Folder.Path(KeySet.FolderName)));

        UnopenedModel Unopened(string identity)
        {
            string folder = inputs.Next();
            return new UnopenedModel(identity, identity, () => LocalModel.Open(folder, device, settings.Sampling, identity));
        }
    }
}
