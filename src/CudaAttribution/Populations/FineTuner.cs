using System.Text.Json.Serialization;
using CudaAttribution.Answers;
using CudaAttribution.Data.Datasets;
using CudaAttribution.Images;
using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Training;
using CudaAttribution.Runs;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Populations;

/// <summary>How a model is fine-tuned from the base model. Only the UNet is trained.</summary>
public sealed record FineTuneRecipe
{
    public int Steps { get; init; } = 500;

    public int BatchSize { get; init; } = 32;

    public double LearningRate { get; init; } = 1e-4;

    /// <summary>Steps over which the learning rate rises to its value.</summary>
    public int WarmupSteps { get; init; }

    public double WeightDecay { get; init; } = 1e-2;

    public double CaptionDrop { get; init; } = 0.1;

    /// <summary>Decay per step of the running average of the weights that becomes the model; 0 for none.</summary>
    public double EmaDecay { get; init; }

    /// <summary>Micro-batches that a step is computed in: the same gradient but for its rounding, in less memory.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? GradientAccumulation { get; init; }

    /// <summary>Whether activations are computed once more instead of kept: the same bits in less memory.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool ActivationCheckpointing { get; init; }

    /// <summary>Steps between checkpoints, from which a killed run goes on; it does not change the result.</summary>
    public int CheckpointInterval { get; init; } = 100;

    /// <summary>Type of the weights in the file. Training is F32; the model is what the file holds.</summary>
    public DType WeightType { get; init; } = DType.F32;
}

/// <summary>Trains copies of one base model, resumably.</summary>
/// <param name="device">Where to train.</param>
/// <param name="baseFolder">G0, the model every copy starts from.</param>
public sealed class FineTuner(ComputeDevice device, string baseFolder)
{
    private const string Checkpoints = "checkpoints";

    private readonly Lazy<(string Identity, int Size, string? Derivation)> _base = new(() =>
    {
        using var model = DiffusionModel.Load(LocalModel.ModelFolder(baseFolder), device);
        return (model.WeightsHash(), model.PictureSize, model.Derivation);
    });

    /// <summary>Identity of G0.</summary>
    public string BaseIdentity => _base.Value.Identity;

    /// <inheritdoc cref="DiffusionModel.Derivation"/>
    public string? BaseDerivation => _base.Value.Derivation;

    /// <summary>Folder or file of G0.</summary>
    public string BaseFolder => baseFolder;

    /// <summary>Side of the pictures it is trained on.</summary>
    public int Size => _base.Value.Size;

    /// <summary>
    /// Trains on <paramref name="data"/> and writes <c>model/</c> and <c>losses.csv</c> into the folder; goes on from a checkpoint that is there.
    /// </summary>
    /// <returns>Identity of the trained model.</returns>
    public string Train(
        RunFolder folder, CaptionedDataset data, FineTuneRecipe recipe, ulong seed, Action<TrainProgress>? progress = null,
        CancellationToken cancel = default)
    {
        TrainAndSave(folder, data, recipe, seed, progress, cancel);
        // Only now: at full size there is no room for both.
        using var saved = DiffusionModel.Load(folder.Path(ModelFiles.Model), device);
        return saved.WeightsHash();
    }

    /// <summary>Removes the checkpoints of a finished training.</summary>
    public static void RemoveCheckpoints(RunFolder folder)
    {
        if (Directory.Exists(folder.Path(Checkpoints))) Directory.Delete(folder.Path(Checkpoints), recursive: true);
    }

    /// <summary>The pictures as the trainer takes them, resized to squares of <paramref name="size"/>; none is read yet.</summary>
    public static TrainingSet TrainingSetOf(CaptionedDataset data, int size) =>
        new([.. data.Items.Select(p => p.Image.ToSquare(size, ResizeMode.CropCentre))], [.. data.Items.Select(p => p.Caption)]);

    private void TrainAndSave(
        RunFolder folder, CaptionedDataset data, FineTuneRecipe recipe, ulong seed, Action<TrainProgress>? progress, CancellationToken cancel)
    {
        using var model = DiffusionModel.Load(LocalModel.ModelFolder(baseFolder), device, ModelUse.TrainUNet);
        var options = new TrainOptions
        {
            Steps = recipe.Steps,
            BatchSize = recipe.BatchSize,
            LearningRate = recipe.LearningRate,
            WarmupSteps = recipe.WarmupSteps,
            Optimizer = new AdamWOptions { WeightDecay = recipe.WeightDecay },
            EmaDecay = recipe.EmaDecay,
            GradientAccumulation = recipe.GradientAccumulation ?? 1,
            ActivationCheckpointing = recipe.ActivationCheckpointing,
            Seed = seed,
            CheckpointInterval = recipe.CheckpointInterval,
            CheckpointFolder = folder.Path(Checkpoints),
            Resume = true,
        };
        var task = new DiffusionTask(model, TrainingSetOf(data, Size), new DiffusionObjective { CaptionDrop = recipe.CaptionDrop });
        using var training = new TrainingLoop(task, options);
        var result = training.Run(progress, cancel);
        model.Save(folder.Path(ModelFiles.Model), recipe.WeightType);
        folder.Write(ModelFiles.Losses, LossLog.Format(result.Losses));
    }
}
