using CudaAttribution.Answers;
using CudaAttribution.Measures;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Units;
using CudaAttribution.Served;

namespace CudaAttribution.Experiments.Units;

/// <summary>Settings of <see cref="TrialsKind"/>.</summary>
public sealed record TrialsSettings
{
    /// <summary>K: fresh pictures of each served prompt.</summary>
    public int Fresh { get; init; } = 19;

    /// <summary>Prompts of each account that are asked at most.</summary>
    public int Prompts { get; init; } = 100;

    /// <summary>Prompts of each account that they are chosen from, at most.</summary>
    public int Pool { get; init; } = 200;

    /// <summary>What they are chosen by.</summary>
    public string Measure { get; init; } = "px";

    public ulong Seed { get; init; } = 1;

    public SamplingRecipe Sampling { get; init; } = new();

    public UnitEngine? Engine { get; init; }
}

/// <summary>Served pictures among fresh ones: the file <c>trials.json</c>, beside the strips.</summary>
/// <param name="Schema"><see cref="CurrentSchema"/>.</param>
/// <param name="Trials">The pool.</param>
/// <param name="Asked">Numbers of the trials that are asked, in their order.</param>
public sealed record DrawnTrials(string Schema, IReadOnlyList<Trial> Trials, IReadOnlyList<int> Asked)
{
    public const string FileName = "trials.json", CurrentSchema = "cudattr-trials-1";

    /// <summary>Those of a unit's result.</summary>
    /// <exception cref="UserException">There are none.</exception>
    public static DrawnTrials Load(string folder)
    {
        string file = Path.Combine(folder, FileName);
        var drawn = Json.Read<DrawnTrials>(file, "trials");
        Json.CheckSchema(drawn.Schema, CurrentSchema, file);
        return drawn;
    }
}

/// <summary>Draws the counterfactuals of a served log and chooses what is asked, as an audit does (<see cref="TrialPool"/>). Inputs: the source, the log.</summary>
public sealed class TrialsKind(UnitDevices devices) : IUnitKind
{
    public string Name => "trials-1";

    public bool Resumes => true;

    public void Check(WorkUnit unit)
    {
        var settings = UnitSettings.Read<TrialsSettings>(unit);
        if (settings.Fresh < 1 || settings.Prompts < 1 || settings.Pool < settings.Prompts)
            throw new UserException(
                $"this unit cannot draw: {settings.Fresh} fresh pictures, {settings.Prompts} prompts of {settings.Pool}", "Ask for one at least.", unit.Id);
        MeasureRegistry.CheckPixel(settings.Measure);
        UnitInputs.Check(unit, "the source", "the served log");
    }

    public void Compute(UnitWork work)
    {
        var settings = UnitSettings.Read<TrialsSettings>(work.Unit);
        var device = devices.Of(settings.Engine);
        var inputs = new UnitInputs(work);
        using var source = LocalModel.Open(inputs.Next(), device, settings.Sampling);
        var log = ServedLogReader.Read(inputs.Next());
        log.CheckSeeds();
        var measure = MeasureRegistry.Create(settings.Measure, device);
        inputs.WithAnswers(store =>
        {
            var pool = TrialPool.Draw(
                work.Folder, log, _ => true, source, settings.Fresh, settings.Pool, settings.Seed, store, (done, total) => work.Tell("fresh", done, total),
                work.Cancel);
            double[] spreads = [.. pool.Trials.Select((_, i) => TrialChoice.Spread(pool.Pictures(i), measure))];
            int[] asked = TrialChoice.Widest([.. pool.Trials.Select(t => t.Account)], spreads, settings.Prompts);
            work.Folder.WriteJson(DrawnTrials.FileName, new DrawnTrials(DrawnTrials.CurrentSchema, pool.Trials, asked));
        });
    }
}
