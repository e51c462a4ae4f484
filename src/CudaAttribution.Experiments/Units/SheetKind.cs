using CudaAttribution.Answers;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Images;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Units;
using CudaAttribution.Twins;

namespace CudaAttribution.Experiments.Units;

/// <summary>Settings of <see cref="SheetKind"/>.</summary>
public sealed record SheetSettings
{
    public IReadOnlyList<string> Prompts { get; init; } = [];

    /// <summary>Pictures of each prompt.</summary>
    public int Draws { get; init; } = 4;

    /// <summary>Seed of the noise.</summary>
    public ulong Seed { get; init; } = 1;

    public SamplingRecipe Sampling { get; init; } = new();

    public UnitEngine? Engine { get; init; }
}

/// <summary>What a <see cref="SheetKind"/> drew: the file <c>sheet.json</c>, written last.</summary>
/// <param name="Schema"><see cref="CurrentSchema"/>.</param>
/// <param name="Identity">Identity of the model.</param>
/// <param name="Pages">Hash of the pixels of each page.</param>
public sealed record SheetRecord(string Schema, string Identity, IReadOnlyList<string> Pages)
{
    public const string FileName = "sheet.json";
    public const string CurrentSchema = "cudattr-sheet-1";

    /// <summary>Name of a page.</summary>
    public static string PageFile(int page) => $"{page:D3}.webp";
}

/// <summary>
/// The pictures of one of the models of a <see cref="TwinSet"/>: pages as <see cref="SheetLayout"/> has them, and <c>sheet.json</c>. Input: a model folder,
/// or the unit that trained it.
/// </summary>
public sealed class SheetKind(UnitDevices devices) : IUnitKind
{
    public const string KindName = "sheet-1";

    public string Name => KindName;

    public bool Resumes => true;

    public void Check(WorkUnit unit)
    {
        var settings = UnitSettings.Read<SheetSettings>(unit);
        if (settings.Prompts.Count == 0 || settings.Draws < 1)
            throw new UserException("this unit cannot draw: there is nothing to draw", "Give prompts, and draws of each.", unit.Id);
        UnitInputs.Check(unit, "the model");
    }

    public void Compute(UnitWork work)
    {
        var settings = UnitSettings.Read<SheetSettings>(work.Unit);
        var inputs = new UnitInputs(work);
        using var model = LocalModel.Open(inputs.Next(), devices.Of(settings.Engine), settings.Sampling);
        var layout = new SheetLayout(settings.Prompts.Count, settings.Draws, model.Size);
        inputs.WithAnswers(store =>
        {
            var answers = store.Ask(
                model, settings.Prompts, settings.Draws, new NoiseStream(NoisePurpose.TwinDraws, settings.Seed, model.Identity),
                (done, total) => work.Tell("pictures", done, total), work.Cancel);
            var pages = Enumerable.Range(0, layout.Pages).Select(page => layout.Compose(page, (prompt, draw) => answers[prompt, draw].Image!));
            work.Folder.WriteJson(
                SheetRecord.FileName, new SheetRecord(SheetRecord.CurrentSchema, model.Identity, [.. pages.Select((page, i) => Keep(work.Folder, i, page))]));
        });
    }

    private static string Keep(RunFolder folder, int number, RgbImage page)
    {
        folder.Write(SheetRecord.PageFile(number), ImageCodecs.EncodeWebPLossless(page));
        return ImageHash.Of(page);
    }
}
