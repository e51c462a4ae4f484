using CudaAttribution.Answers;
using CudaAttribution.Measures;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Units;
using CudaAttribution.Served;

namespace CudaAttribution.Experiments.Units;

/// <summary>Settings of <see cref="DistancesKind"/>.</summary>
public sealed record DistancesSettings
{
    public string Measure { get; init; } = "px";

    public ulong Seed { get; init; } = 1;

    public SamplingRecipe Sampling { get; init; } = new();

    public UnitEngine? Engine { get; init; }
}

/// <summary>What one model's answers are like: the file <c>distances.json</c>, written last.</summary>
/// <param name="Schema"><see cref="CurrentSchema"/>.</param>
/// <param name="Identity">The model.</param>
/// <param name="Served">For each trial, in the order asked, which of its pictures was served.</param>
/// <param name="Distances">For each trial the distance of the answer from each of its pictures; null where the answer was unusable.</param>
public sealed record TrialDistances(string Schema, string Identity, IReadOnlyList<int> Served, IReadOnlyList<IReadOnlyList<double>?> Distances)
{
    public const string FileName = "distances.json", CurrentSchema = "cudattr-distances-1";

    /// <summary>Those of a unit's result.</summary>
    /// <exception cref="UserException">There are none.</exception>
    public static TrialDistances Load(string folder)
    {
        string file = Path.Combine(folder, FileName);
        var measured = Json.Read<TrialDistances>(file, "distances");
        Json.CheckSchema(measured.Schema, CurrentSchema, file);
        return measured;
    }
}

/// <summary>Asks a model each trial's prompt once, as an audit does, and measures its answers. Inputs: a unit of <see cref="TrialsKind"/>, the model.</summary>
public sealed class DistancesKind(UnitDevices devices) : IUnitKind
{
    public string Name => "distances-1";

    public bool Resumes => true;

    public void Check(WorkUnit unit)
    {
        MeasureRegistry.CheckPixel(UnitSettings.Read<DistancesSettings>(unit).Measure);
        UnitInputs.Check(unit, "the trials", "the model");
    }

    public void Compute(UnitWork work)
    {
        var settings = UnitSettings.Read<DistancesSettings>(work.Unit);
        var device = devices.Of(settings.Engine);
        var inputs = new UnitInputs(work);
        string folder = inputs.Next();
        var drawn = DrawnTrials.Load(folder);
        var pool = new TrialPool(folder, drawn.Trials);
        using var model = LocalModel.Open(inputs.Next(), device, settings.Sampling);
        var measure = new AlignedMeasure(MeasureRegistry.Create(settings.Measure, device));
        inputs.WithAnswers(store =>
        {
            var answers = store.Ask(
                model, [.. drawn.Asked.Select(i => drawn.Trials[i].Prompt)], draws: 1, new NoiseStream(NoisePurpose.Testing, settings.Seed, model.Identity),
                (done, total) => work.Tell("answers", done, total), work.Cancel);
            var distances = drawn.Asked.Select((trial, i) => answers[i].Image is { } answer ? measure.Distances(pool.Pictures(trial), answer) : null);
            work.Folder.WriteJson(
                TrialDistances.FileName,
                new TrialDistances(TrialDistances.CurrentSchema, model.Identity, [.. drawn.Asked.Select(i => drawn.Trials[i].Served)], [.. distances]));
        });
    }
}
