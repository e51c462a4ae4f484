using CudaAttribution.Answers;
using CudaAttribution.Data.Datasets;
using CudaAttribution.Images;
using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Training;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Units;
using CudaAttribution.Tensors;

namespace CudaAttribution.Populations;

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
    /// <param name="folder">The folder.</param>
    /// <param name="data">The pictures, in the order to train on.</param>
    /// <param name="recipe">How.</param>
    /// <param name="seed">Seed of all draws.</param>
    /// <param name="progress">Steps trained; names no unit.</param>
    /// <param name="cancel">Stops between two steps; what was done is kept.</param>
    /// <returns>Identity of the trained model.</returns>
    public string Train(
        RunFolder folder, CaptionedDataset data, FineTuneRecipe recipe, ulong seed, Action<UnitProgress>? progress = null,
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
        RunFolder folder, CaptionedDataset data, FineTuneRecipe recipe, ulong seed, Action<UnitProgress>? progress, CancellationToken cancel)
    {
        using var model = DiffusionModel.Load(LocalModel.ModelFolder(baseFolder), device, ModelUse.TrainUNet, recipe.Adapter(seed));
        var task = new DiffusionTask(model, TrainingSetOf(data, Size), recipe.Objective());
        using var training = new TrainingLoop(task, recipe.Options(seed, folder.Path(Checkpoints)));
        var result = training.Run(p => progress?.Invoke(Describe(p)), cancel);
        model.Save(folder.Path(ModelFiles.Model), recipe.WeightType);
        folder.Write(ModelFiles.Losses, LossLog.Format(result.Losses));
    }

    private static UnitProgress Describe(TrainProgress p) => new(
        "", "training", p.Step, p.Steps, FormattableString.Invariant($"loss {p.Loss:0.0000}, {p.PicturesPerSecond:0} images/s"), p.Remaining);
}
