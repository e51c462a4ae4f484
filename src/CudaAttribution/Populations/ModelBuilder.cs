using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using CudaAttribution.Data.Datasets;
using CudaAttribution.Images;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Units;
using CudaAttribution.Served;

namespace CudaAttribution.Populations;

/// <summary>
/// Builds the models of experiments, of every role: training set, fine-tuning from G0, record. A killed build goes on where it was, and the result is
/// that of one that was never stopped; a finished one is left as it is.
/// </summary>
public sealed class ModelBuilder(FineTuner tuner)
{
    /// <summary>Builds into <paramref name="path"/>.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="plan">What to build.</param>
    /// <param name="inputs">What from.</param>
    /// <param name="progress">Pictures made, then steps trained; names no unit.</param>
    /// <param name="cancel">Stops between two rounds of pictures or two steps; what was done is kept.</param>
    /// <exception cref="UserException">The folder holds another model, or plan and inputs make no model.</exception>
    public ModelRecord Build(
        string path, ModelPlan plan, ModelInputs inputs, Action<UnitProgress>? progress = null, CancellationToken cancel = default)
    {
        plan.Validate();
        var folder = new RunFolder(path);
        using var claim = Claim.Take(
            folder, ModelFiles.Plan, new Claimed(
                plan, tuner.BaseIdentity, inputs.Source?.Identity, inputs.Real?.Hash, CanonicalJson.Hash(new JsonArray([.. inputs.PromptPool])),
                plan.Regime == PromptRegime.Natural || inputs.Keys.Count == 0 ? null : string.Join(' ', inputs.Keys.Select(k => k.Hash)))
            { LogRoot = plan.Account is null || inputs.Log is not { } log ? null : ServedLogCommitment.Tree(log.Pictures).Root },
            plan.Role.ToString().ToLowerInvariant());
        if (!folder.Has(ModelFiles.Record)) Build(folder, plan, inputs, progress, cancel);
        FineTuner.RemoveCheckpoints(folder);
        return ModelRecord.Load(path);
    }

    private void Build(RunFolder folder, ModelPlan plan, ModelInputs inputs, Action<UnitProgress>? progress, CancellationToken cancel)
    {
        var data = TrainingSet(folder, plan, inputs, progress, cancel);
        string identity = tuner.Train(folder, data, plan.Training, plan.Seed, progress, cancel);
        folder.WriteJson(ModelFiles.Record, Record(plan, inputs, data, identity));
    }

    private CaptionedDataset TrainingSet(
        RunFolder folder, ModelPlan plan, ModelInputs inputs, Action<UnitProgress>? progress, CancellationToken cancel)
    {
        string path = folder.Path(ModelFiles.Training);
        if (!Directory.Exists(path))
        {
            var made = TrainingSetComposer.Compose(
                plan, inputs, (done, total) => progress?.Invoke(new UnitProgress("", "generating", done, total)), cancel);
            CaptionedDatasetWriter.Write(path, made.Select(i => i.WithImage(i.Image.ToSquare(tuner.Size, ResizeMode.CropCentre))));
        }
        return CaptionedDataset.Load(path, new LoadOptions { Size = tuner.Size });
    }

    private ModelRecord Record(ModelPlan plan, ModelInputs inputs, CaptionedDataset data, string identity)
    {
        var generated = TrainingSetComposer.GeneratedPrompts(data);
        var record = new ModelRecord
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
        return inputs.Keys is [var keys, ..] ? record with { Overlap = record.OverlapWith(keys) } : record;
    }

    private sealed record Claimed(
        ModelPlan Plan, string BaseIdentity, string? SourceIdentity, string? RealHash, string PromptPoolHash, string? KeysHash)
    {
        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public string? LogRoot { get; init; }
    }
}
