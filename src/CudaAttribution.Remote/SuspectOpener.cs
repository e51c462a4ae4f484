using CudaAttribution.Answers;
using CudaAttribution.Models.Configuration;
using CudaAttribution.Populations;
using CudaAttribution.Runs;
using CudaAttribution.Tensors;

namespace CudaAttribution.Remote;

/// <summary>How a suspect is opened.</summary>
public sealed record SuspectOptions
{
    /// <summary>Where a local suspect runs.</summary>
    public required ComputeDevice Device { get; init; }

    public required SamplingRecipe Sampling { get; init; }

    /// <summary>The run's folder, which keeps the answers of a remote suspect.</summary>
    public required RunFolder Folder { get; init; }

    /// <summary>Size of the pictures that answers are compared with; a remote suspect is asked for it, and its answers are brought to it.</summary>
    public required (int Width, int Height) Size { get; init; }

    /// <summary>Captions for the decoys of a remote suspect.</summary>
    public IReadOnlyList<string> DecoyPool { get; init; } = [];

    /// <summary>Gets what had to be derived of a local suspect, see <see cref="LocalModel.Derivation"/>.</summary>
    public Action<string>? Derived { get; init; }

    /// <summary>Queries to a remote suspect that are answered, of all.</summary>
    public Action<int, int>? Progress { get; init; }
}

/// <summary>Opens suspects of every kind by their path.</summary>
public static class SuspectOpener
{
    private const string DescriptionExtension = ".json";

    /// <summary>
    /// Opens what <paramref name="path"/> names: a file <c>*.json</c> is the description of a service, anything else a model or the folder that one
    /// was built in.
    /// </summary>
    /// <exception cref="UserException">The description makes no sense, or the model is not the one that its record describes.</exception>
    /// <exception cref="ModelFileException">The folder has no usable model.</exception>
    public static OpenedSuspect Open(string path, SuspectOptions options)
    {
        if (!Path.Exists(path))
            throw new UserException("there is no such suspect", "Name a model, or a JSON file that describes an HTTP service.", path);
        if (IsService(path)) return Service(path, options);
        if (options.DecoyPool.Count > 0)
            throw new UserException("decoys are for suspects that are asked over HTTP", "Leave the decoys out.", path) { Setting = "decoys" };
        return OpenedSuspect.Local(path, options.Device, options.Sampling, options.Derived);
    }

    /// <summary>Whether a path names the description of a service.</summary>
    public static bool IsService(string path) => File.Exists(path) && Path.GetExtension(path) == DescriptionExtension;

    private static OpenedSuspect Service(string file, SuspectOptions options)
    {
        var model = new HttpModel(HttpService.Load(file), new HttpModelOptions
        {
            Folder = options.Folder,
            Width = options.Size.Width,
            Height = options.Size.Height,
            Sampling = options.Sampling,
            DecoyPool = options.DecoyPool,
            Progress = options.Progress,
        });
        return new OpenedSuspect(model, null, []);
    }
}
