using CudaAttribution.Answers;
using CudaAttribution.Images;
using CudaAttribution.Measures;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Units;
using CudaAttribution.Twins;

namespace CudaAttribution.Experiments.Units;

/// <summary>Settings of <see cref="SwapKind"/>.</summary>
public sealed record SwapSettings
{
    /// <summary>Prompts that are asked, those that tell source and twins apart best.</summary>
    public int Prompts { get; init; } = 64;

    /// <summary>Answers to each.</summary>
    public int Answers { get; init; } = 2;

    /// <summary>What they are told apart by.</summary>
    public string Measure { get; init; } = "px";

    public ulong Seed { get; init; } = 1;

    public SamplingRecipe Sampling { get; init; } = new();

    public UnitEngine? Engine { get; init; }
}

/// <summary>
/// Asks a model the prompts of a source and its twins, and scores them all (<see cref="SourceSwap"/>): the file <c>swap.json</c>. Inputs: the set of
/// twins, the model.
/// </summary>
public sealed class SwapKind(UnitDevices devices) : IUnitKind
{
    public const string ResultFile = "swap.json";

    public string Name => "swap-1";

    public bool Resumes => true;

    public void Check(WorkUnit unit)
    {
        var settings = UnitSettings.Read<SwapSettings>(unit);
        if (settings.Prompts < 1 || settings.Answers < 1)
            throw new UserException($"this unit cannot ask {settings.Answers} answers to {settings.Prompts} prompts", "Ask for one at least.", unit.Id);
        MeasureRegistry.CheckPixel(settings.Measure);
        UnitInputs.Check(unit, "the source and its twins", "the model");
    }

    public void Compute(UnitWork work)
    {
        var settings = UnitSettings.Read<SwapSettings>(work.Unit);
        var device = devices.Of(settings.Engine);
        var inputs = new UnitInputs(work);
        var set = TwinSet.Load(inputs.Next());
        using var model = LocalModel.Open(inputs.Next(), device, settings.Sampling);
        var swap = new SourceSwap(set, MeasureRegistry.Create(settings.Measure, device));
        int[] asked = swap.Choose(settings.Prompts, notAskable: [], cancel: work.Cancel);
        inputs.WithAnswers(store =>
        {
            var answers = store.Ask(
                model, [.. asked.Select(p => set.Design.Prompts[p])], settings.Answers, new NoiseStream(NoisePurpose.Testing, settings.Seed, model.Identity),
                (done, total) => work.Tell("answers", done, total), work.Cancel);
            work.Folder.WriteJson(ResultFile, swap.Test([.. asked.Select((prompt, i) => (prompt, Usable(answers.To(i)))).Where(a => a.Item2.Count > 0)]));
        });
    }

    private static IReadOnlyList<RgbImage> Usable(IEnumerable<Answer> answers) => [.. answers.Select(a => a.Image).OfType<RgbImage>()];
}
