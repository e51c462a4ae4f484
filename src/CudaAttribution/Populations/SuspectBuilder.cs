using System.Text.Json.Nodes;
using CudaAttribution.Data.Datasets;
using CudaAttribution.Data.Images;
using CudaAttribution.Models.Training;
using CudaAttribution.Runs;

namespace CudaAttribution.Populations;

/// <summary>Where the building of a suspect stands: pictures made, or steps trained.</summary>
/// <param name="Activity">What is going on.</param>
/// <param name="Done">How much is done.</param>
/// <param name="Total">Of how much.</param>
/// <param name="Training">Loss and speed, while training.</param>
public readonly record struct SuspectProgress(string Activity, int Done, int Total, TrainProgress? Training);

/// <summary>
/// Builds suspects: training set, fine-tuning from G0, record. A killed build goes on where it was, and the result is that of one that
/// was never stopped; a finished one is left as it is.
/// </summary>
public sealed class SuspectBuilder(FineTuner tuner)
{
    /// <summary>Builds into <paramref name="path"/>.</summary>
    /// <exception cref="UserException">The folder holds another suspect, or the inputs do not suffice.</exception>
    public SuspectRecord Build(
        string path, SuspectPlan plan, SuspectInputs inputs, Action<SuspectProgress>? progress = null, CancellationToken cancel = default)
    {
        plan.Validate();
        var folder = new RunFolder(path);
        using var claim = Claim.Take(
            folder, SuspectFiles.Plan, new Claimed(
                plan, tuner.BaseIdentity, inputs.Source?.Identity, inputs.Real?.Hash, CanonicalJson.Hash(new JsonArray([.. inputs.PromptPool])),
                plan.Regime == PromptRegime.Natural ? null : inputs.Keys?.Hash),
            "suspect");
        if (folder.Has(SuspectFiles.Record)) return SuspectRecord.Load(path);
        var data = TrainingSet(folder, plan, inputs, progress, cancel);
        string identity = tuner.Train(
            folder, data, plan.Training, plan.Seed, p => progress?.Invoke(new("training", p.Step, p.Steps, p)), cancel);
        var record = Record(plan, inputs, data, identity);
        folder.WriteJson(SuspectFiles.Record, record);
        FineTuner.RemoveCheckpoints(folder);
        return record;
    }

    private CaptionedDataset TrainingSet(
        RunFolder folder, SuspectPlan plan, SuspectInputs inputs, Action<SuspectProgress>? progress, CancellationToken cancel)
    {
        string path = folder.Path(SuspectFiles.Training);
        if (!Directory.Exists(path))
        {
            var made = SuspectData.Compose(plan, inputs, (done, total) => progress?.Invoke(new("generating", done, total, null)), cancel);
            CaptionedDatasetWriter.Write(path, made.Select(i => i.WithImage(i.Image.ToSquare(tuner.Size, ResizeMode.CropCentre))));
        }
        return CaptionedDataset.Load(path, new LoadOptions { Size = tuner.Size });
    }

    private SuspectRecord Record(SuspectPlan plan, SuspectInputs inputs, CaptionedDataset data, string identity)
    {
        var generated = SuspectData.GeneratedPrompts(data);
        var record = new SuspectRecord
        {
            Plan = plan,
            Generated = generated.Count,
            Real = data.Count - generated.Count,
            BaseIdentity = tuner.BaseIdentity,
            SourceIdentity = plan.GeneratedCount > 0 ? inputs.Source!.Identity : null,
            RealData = plan.GeneratedCount < plan.Count ? inputs.Real!.Source : null,
            TrainingHash = data.Hash,
            Identity = identity,
            Prompts = [.. data.Items.Select(i => i.Caption)],
            GeneratedPrompts = generated,
            Overlap = null,
        };
        return inputs.Keys is { } keys ? record with { Overlap = record.OverlapWith(keys) } : record;
    }

    private sealed record Claimed(
        SuspectPlan Plan, string BaseIdentity, string? SourceIdentity, string? RealHash, string PromptPoolHash, string? KeysHash);
}
