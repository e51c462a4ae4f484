using CudaAttribution.Answers;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Units;

namespace CudaAttribution.Experiments.Units;

/// <summary>
/// Pictures of a model, the unit's one input: <c>NNNN.png</c> for each prompt. Picture i depends on the model, the seed, the purpose and its number
/// only, and with the project's kernels every device draws the same bits.
/// </summary>
public sealed class DrawKind(UnitDevices devices) : IUnitKind
{
    public string Name => "draw-1";

    public bool Resumes => true;

    public void Check(WorkUnit unit)
    {
        var settings = UnitSettings.Read<DrawSettings>(unit);
        if (settings.Prompts.Count == 0) throw Wrong("there is nothing to draw", "Give prompts.");
        if (settings.First < 0) throw Wrong($"no picture has the number {settings.First}", "Count from 0.");
        if (unit.Inputs.Count != 1) throw Wrong($"{unit.Inputs.Count} inputs were given", "Give one: the model.");

        UserException Wrong(string problem, string remedy) => new($"this unit cannot draw: {problem}", remedy, unit.Id);
    }

    public void Compute(UnitWork work)
    {
        var settings = UnitSettings.Read<DrawSettings>(work.Unit);
        using var model = LocalModel.Open(work.Inputs[0], devices.Of(null), settings.Sampling);
        var noise = new NoiseStream(settings.Purpose, settings.Seed, model.Identity);
        int total = settings.Prompts.Count, steps = settings.Sampling.Steps;
        int[] missing = [.. Enumerable.Range(0, total).Where(i => !work.Folder.Has(File(i)))];
        int done = total - missing.Length;
        foreach (int[] round in missing.Chunk(model.BatchSize))
        {
            var answers = model.Generate(
                [.. round.Select(i => noise.Ask(settings.Prompts[i], settings.First + i))],
                settings.Sampling,
                progress: p => work.Report("draw", (done + p.Pictures) * (long)steps + p.Step % p.OfSteps * round.Length, total * (long)steps, "steps"),
                cancel: work.Cancel);
            foreach (var (i, answer) in round.Zip(answers)) work.Folder.WriteImage(File(i), answer.Image!);
            done += round.Length;
        }
    }

    private static string File(int index) => $"{index:D4}.png";
}
