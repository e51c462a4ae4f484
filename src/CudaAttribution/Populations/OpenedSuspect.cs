using CudaAttribution.Answers;
using CudaAttribution.Keys;
using CudaAttribution.Models.Configuration;
using CudaAttribution.Runs;
using CudaAttribution.Tensors;

namespace CudaAttribution.Populations;

/// <summary>A suspect that can be asked, with what is known of it.</summary>
/// <param name="model">The suspect.</param>
/// <param name="record">What it is made of, where it was built here.</param>
/// <param name="losses">Its losses, where it was built here.</param>
public sealed class OpenedSuspect(IImageModel model, ModelRecord? record, IReadOnlyList<LossCurve> losses) : IDisposable
{
    public IImageModel Model => model;

    public IReadOnlyList<LossCurve> Losses => losses;

    /// <summary>Opens a model (folder or single file), or the folder that one was built in.</summary>
    /// <param name="path">The folder or file.</param>
    /// <param name="device">Where it runs.</param>
    /// <param name="sampling">How it makes pictures.</param>
    /// <param name="derived">Gets what had to be derived, see <see cref="LocalModel.Derivation"/>.</param>
    /// <param name="name">What it is called; null is the name of the folder or file.</param>
    /// <exception cref="UserException">The model is not the one that its record describes.</exception>
    /// <exception cref="ModelFileException">There is no usable model.</exception>
    public static OpenedSuspect Local(string path, ComputeDevice device, SamplingRecipe sampling, Action<string>? derived = null, string? name = null)
    {
        var model = LocalModel.Open(path, device, sampling, name);
        if (model.Derivation is { } derivation) derived?.Invoke(derivation);
        try
        {
            var record = ModelRecord.TryLoad(path);
            if (record is not null && record.Identity != model.Identity)
            {
                throw new UserException(
                    "the model is not the one that its suspect.json describes (its weights changed)",
                    "Build the suspect again, or name its model folder alone.",
                    path);
            }
            return new OpenedSuspect(model, record, LossLog.Of(path, model.Name));
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>The overlap of its prompts with those of the keys.</summary>
    public PromptOverlap OverlapWith(KeySet keys) => record?.OverlapWith(keys) ?? PromptOverlap.Unknown;

    public void Dispose() => (model as IDisposable)?.Dispose();
}
