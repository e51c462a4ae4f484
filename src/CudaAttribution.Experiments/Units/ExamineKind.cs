using CudaAttribution.Answers;
using CudaAttribution.Keys;
using CudaAttribution.Measures;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Units;
using CudaAttribution.Shadows;
using CudaAttribution.Tensors;

namespace CudaAttribution.Experiments.Units;

/// <summary>Settings of <see cref="ExamineKind"/>.</summary>
public sealed record ExamineSettings
{
    /// <summary>Key sets that are asked, for conf.</summary>
    public int KeySets { get; init; } = 1;

    /// <summary>Copy measure of a discriminator's features of the first key set; null makes none, and takes no baseline.</summary>
    public string? Features { get; init; }

    /// <summary>Answers to each key that the features are made of.</summary>
    public int Draws { get; init; } = 2;

    public ulong Seed { get; init; } = 1;

    public SamplingRecipe Sampling { get; init; } = new();

    public UnitEngine? Engine { get; init; }
}

/// <summary>How near a model's answers are to the pictures of one key set; by the order of the keys of conf.</summary>
/// <param name="KeysetSha256">The keys.</param>
/// <param name="Distances">From the key's reference, by the metric of the keys; its maximum where there was no answer.</param>
/// <param name="PairedWins">Answers that are nearer to the source's picture than to the real one.</param>
public sealed record ExaminedKeys(string KeysetSha256, IReadOnlyList<double> Distances, int PairedWins)
{
    /// <summary>conf of the first N keys.</summary>
    public double Conf(double threshold, int count) => Distances.Take(count).Count(d => d <= threshold) / (double)count;
}

/// <summary>What one model answered to key sets: the file <c>examined.json</c>, written last.</summary>
/// <param name="Schema"><see cref="CurrentSchema"/>.</param>
/// <param name="Identity">The model.</param>
/// <param name="Sets">The key sets, in the order of the inputs.</param>
public sealed record ExaminedModel(string Schema, string Identity, IReadOnlyList<ExaminedKeys> Sets)
{
    public const string FileName = "examined.json", CurrentSchema = "cudattr-examined-1";

    /// <summary>That of a unit's result.</summary>
    /// <exception cref="UserException">There is none.</exception>
    public static ExaminedModel Load(string folder)
    {
        string file = Path.Combine(folder, FileName);
        var examined = Json.Read<ExaminedModel>(file, "examined model");
        Json.CheckSchema(examined.Schema, CurrentSchema, file);
        return examined;
    }
}

/// <summary>
/// Puts key sets to a model, and makes features for a discriminator of its answers to the first: <c>examined.json</c>, <c>features.json</c>. Inputs: the
/// model, each key set, and a unit of <see cref="BaselineKind"/> where features are made.
/// </summary>
public sealed class ExamineKind(UnitDevices devices) : IUnitKind
{
    public const string KindName = "examine-1";

    public string Name => KindName;

    public bool Resumes => true;

    public void Check(WorkUnit unit)
    {
        var settings = UnitSettings.Read<ExamineSettings>(unit);
        if (settings.Features is { } measure) MeasureRegistry.CheckPixel(measure);
        if (settings.KeySets < 1 || settings.Draws is not (1 or 2))
            throw new UserException("this unit cannot ask: it has no keys, or not one or two answers to each", "Give keys, and draws of 1 or 2.", unit.Id);
        UnitInputs.Check(
            unit, ["the model", .. Enumerable.Repeat("the keys", settings.KeySets), .. settings.Features is null ? Array.Empty<string>() : ["the baseline"]]);
    }

    public void Compute(UnitWork work)
    {
        var settings = UnitSettings.Read<ExamineSettings>(work.Unit);
        var device = devices.Of(settings.Engine);
        var inputs = new UnitInputs(work);
        using var model = LocalModel.Open(inputs.Next(), device, settings.Sampling);
        KeySet[] sets = [.. Enumerable.Range(0, settings.KeySets).Select(_ => inputs.Keys())];
        inputs.WithAnswers(store =>
        {
            if (settings.Features is { } measure)
            {
                var baseline = KeyBaseline.Load(Path.Combine(inputs.Next(), KeyBaseline.FolderName), sets[0]);
                var features = new FeatureExtractor(sets[0], baseline, measure, settings.Draws, device).Of(
                    model, NoisePurpose.Shadows, settings.Seed, store, (done, total) => work.Tell("answers", done, total), work.Cancel);
                work.Folder.WriteJson(ModelFeatures.FileName, features);
            }
            work.Folder.WriteJson(
                ExaminedModel.FileName, new ExaminedModel(ExaminedModel.CurrentSchema, model.Identity, [.. sets.Select((keys, i) => Ask(keys, i, store))]));
        });

        // Key sets share prompts: each has noise of its own.
        ExaminedKeys Ask(KeySet keys, int number, AnswerStore store)
        {
            KeyExaminer.CheckSampling(keys, model);
            var noise = new NoiseStream(NoisePurpose.Testing, Philox.Stream($"key set {number}", settings.Seed), model.Identity);
            var outcomes = KeyExaminer.Examine(store, model, keys.Keys, MeasureRegistry.Create(keys.Header.Metric, device), noise, work.Cancel);
            return new(
                keys.Hash, [.. keys.Keys.Zip(outcomes).Where(k => k.First.ForConfidence).Select(k => k.Second.Distance(k.First))],
                keys.Keys.Zip(outcomes).Count(k => k.First.ForConfidence && k.Second.CloserToMedoid));
        }
    }
}
