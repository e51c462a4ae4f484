using CudaAttribution.Attribution;
using CudaAttribution.Files;
using CudaAttribution.Keys;
using CudaAttribution.Models.Files;
using CudaAttribution.Querying;
using CudaAttribution.Querying.Http;
using CudaAttribution.Reports;
using CudaAttribution.Tensors;

namespace CudaAttribution.Suspects;

/// <summary>How a suspect is opened.</summary>
public sealed record SuspectOptions
{
    /// <summary>Where a local suspect runs.</summary>
    public required ComputeDevice Device { get; init; }

    public required SamplingRecipe Sampling { get; init; }

    /// <summary>The run's folder, which keeps the answers of a remote suspect.</summary>
    public required RunFolder Folder { get; init; }

    /// <summary>Captions for the decoys of a remote suspect.</summary>
    public IReadOnlyList<string> DecoyPool { get; init; } = [];

    /// <summary>Gets what had to be derived of a local suspect, see <see cref="LocalModel.Derivation"/>.</summary>
    public Action<string>? Derived { get; init; }

    /// <summary>Queries to a remote suspect that are answered, of all.</summary>
    public Action<int, int>? Progress { get; init; }
}

/// <summary>
/// A suspect with what is known of it: a model (folder or single file), the folder it was built in, or a file that describes an HTTP service.
/// </summary>
public sealed class OpenedSuspect : IDisposable
{
    private const string DescriptionExtension = ".json";

    private OpenedSuspect(IImageModel model, SuspectRecord? record, IReadOnlyList<LossCurve> losses) =>
        (Model, Record, Losses) = (model, record, losses);

    public IImageModel Model { get; }

    /// <summary>What it is made of, where it was built here.</summary>
    public SuspectRecord? Record { get; }

    /// <summary>Its losses, where it was built here.</summary>
    public IReadOnlyList<LossCurve> Losses { get; }

    /// <summary>Opens what <paramref name="path"/> names: a file <c>*.json</c> is the description of a service, anything else a model.</summary>
    /// <exception cref="AttributionException">The description makes no sense, or the model is not the one that its record describes.</exception>
    /// <exception cref="ModelFileException">The folder has no usable model.</exception>
    public static OpenedSuspect Open(string path, KeySet keys, SuspectOptions options)
    {
        if (File.Exists(path) && Path.GetExtension(path) == DescriptionExtension) return Remote(path, keys, options);
        return Path.Exists(path)
            ? Local(path, options)
            : throw new AttributionException("there is no such suspect", "Name a model, or a JSON file that describes an HTTP service.", path);
    }

    public PromptOverlap OverlapWith(KeySet keys) => Record?.OverlapWith(keys) ?? PromptOverlap.Unknown;

    public void Dispose() => (Model as IDisposable)?.Dispose();

    private static OpenedSuspect Remote(string file, KeySet keys, SuspectOptions options)
    {
        var size = keys.Keys[0].Medoid;
        var model = new HttpModel(HttpService.Load(file), new HttpModelOptions
        {
            Folder = options.Folder,
            Width = size.Width,
            Height = size.Height,
            Sampling = options.Sampling,
            DecoyPool = options.DecoyPool,
            Progress = options.Progress,
        });
        return new OpenedSuspect(model, null, []);
    }

    private static OpenedSuspect Local(string folder, SuspectOptions options)
    {
        if (options.DecoyPool.Count > 0)
            throw new AttributionException("decoys are for suspects that are asked over HTTP", "Leave --decoys out.", folder);
        var model = LocalModel.Open(folder, options.Device, options.Sampling);
        if (model.Derivation is { } derivation) options.Derived?.Invoke(derivation);
        try
        {
            var record = SuspectRecord.TryLoad(folder);
            if (record is not null && record.Identity != model.Identity)
            {
                throw new AttributionException(
                    "the model is not the one that its suspect.json describes (its weights changed)",
                    "Build the suspect again, or name its model folder alone.",
                    folder);
            }
            return new OpenedSuspect(model, record, AttributionFolder.LossesOf(folder, model.Name));
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }
}
