using CudaAttribution.Data.Datasets;
using CudaAttribution.Images;
using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Files.Sources;
using CudaAttribution.Tensors;

namespace CudaAttribution.Answers;

/// <summary>Image to image: the picture that drawing starts from instead of noise.</summary>
/// <param name="Picture">The picture; one of another size is cropped to the square in its middle and resized, as training pictures are.</param>
/// <param name="Strength">Share of the steps that is taken, in (0, 1]; the more, the less of the picture is left.</param>
public sealed record PictureStart(RgbImage Picture, double Strength);

/// <summary>A model on this machine, asked through the sampler.</summary>
public sealed class LocalModel : IImageModel, IDisposable
{
    /// <summary>Folder of a model in the folder that it was built in.</summary>
    public const string FolderName = "model";

    private readonly DiffusionModel _model;

    private LocalModel(string name, DiffusionModel model, SamplingRecipe sampling) =>
        (Name, _model, Sampling, Identity) = (name, model, sampling, model.WeightsHash());

    public string Name { get; }

    /// <summary>SHA-256 over the names, shapes and values of all weights.</summary>
    public string Identity { get; }

    /// <inheritdoc cref="DiffusionModel.Derivation"/>
    public string? Derivation => _model.Derivation;

    /// <inheritdoc cref="DiffusionModel.Configuration"/>
    public string Configuration => _model.Configuration;

    /// <summary>Configuration and engine; the device does not matter, its kernels give the same bits.</summary>
    public string Setup => $"{Configuration}\n{_model.Device.Math.Name}";

    /// <inheritdoc cref="DiffusionModel.DefaultBatch"/>
    public int BatchSize => _model.DefaultBatch;

    /// <summary>How it makes pictures.</summary>
    public SamplingRecipe Sampling { get; }

    /// <summary>Side of its pictures.</summary>
    public int Size => _model.PictureSize;

    /// <summary>Opens a model folder, the model of a folder that a suspect was built in, or a single file.</summary>
    /// <exception cref="ModelFileException">There is no usable model.</exception>
    public static LocalModel Open(ModelReference reference, ComputeDevice device, SamplingRecipe sampling, string? name = null)
    {
        var model = DiffusionModel.Load(reference with { Path = ModelFolder(reference.Path) }, device);
        try
        {
            string path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(reference.Path));
            return new LocalModel(name ?? Path.GetFileName(path), model, sampling);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>The model folder meant by <paramref name="folder"/>: itself, or <c>model/</c> in it.</summary>
    public static string ModelFolder(string folder)
    {
        string inner = Path.Combine(folder, FolderName);
        return !File.Exists(Path.Combine(folder, "model_index.json")) && Directory.Exists(inner) ? inner : folder;
    }

    public IReadOnlyList<Answer> Generate(IReadOnlyList<Query> queries, CancellationToken cancel = default) =>
        Generate(queries, Sampling, cancel: cancel);

    public IEnumerable<AskedAnswer> Ask(IReadOnlyList<Query> queries, CancellationToken cancel = default) =>
        ImageModels.InBatches(this, queries, BatchSize, cancel);

    /// <summary>Answers with another recipe than its own, or from a picture.</summary>
    /// <param name="queries">The queries.</param>
    /// <param name="sampling">The recipe.</param>
    /// <param name="start">The picture that all answers start from; null starts from noise.</param>
    /// <param name="progress">Gets pictures and steps done of the queries of one noise stream.</param>
    /// <param name="cancel">Stops between two steps.</param>
    /// <exception cref="ArgumentException">
    /// The recipe or the strength does not fit the model's schedule, or there is a negative prompt without guidance.
    /// </exception>
    public IReadOnlyList<Answer> Generate(
        IReadOnlyList<Query> queries, SamplingRecipe sampling, PictureStart? start = null, Action<SampleProgress>? progress = null,
        CancellationToken cancel = default)
    {
        byte[]? picture = start?.Picture.ToSquare(Size, new LoadOptions().Resize).Pixels;
        var answers = new Answer[queries.Count];
        foreach (var stream in queries.Select((query, index) => (query, index)).GroupBy(q => q.query.Noise.Stream))
        {
            var options = new SampleOptions
            {
                Solver = sampling.Solver, Steps = sampling.Steps, Guidance = sampling.Guidance, Strength = start?.Strength, Tile = sampling.Tile,
                Purpose = stream.Key,
            };
            var sampler = new Sampler(_model, options);
            var requests = stream.Select(q => new SampleRequest(q.query.Prompt, q.query.Noise.Seed, q.query.Noise.Index)
            {
                NegativePrompt = sampling.NegativePrompt ?? "", InitialPicture = picture,
            }).ToArray();
            var made = sampler.Sample(requests, progress, cancel);
            int i = 0;
            foreach (var (_, index) in stream) answers[index] = Answer.Of(ImageOf(made[i++]));
        }
        return answers;
    }

    /// <summary>Inverts pictures and makes them anew from the noise that gives.</summary>
    /// <param name="pictures">Pictures of the model's size, each with what the model is told it shows.</param>
    /// <param name="options">How.</param>
    /// <param name="progress">Gets the pictures done, and the evaluations of the network done for those under way.</param>
    /// <param name="cancel">Stops before the next evaluation of the network.</param>
    /// <exception cref="ArgumentException">The options do not fit the model's schedule, or a picture has another size.</exception>
    public IReadOnlyList<RgbImage> Reconstruct(
        IReadOnlyList<(RgbImage Picture, string Prompt)> pictures,
        InversionOptions options,
        Action<SampleProgress>? progress = null,
        CancellationToken cancel = default)
    {
        var requests = pictures.Select(p => new InversionRequest(p.Picture.Pixels, p.Prompt)).ToArray();
        return [.. new DdimInverter(_model, options).Run(requests, progress, cancel).Select(p => ImageOf(p.Reconstruction))];
    }

    public void Dispose() => _model.Dispose();

    private static RgbImage ImageOf(SampledPicture picture) => new(picture.Side, picture.Side, picture.Pixels);
}
