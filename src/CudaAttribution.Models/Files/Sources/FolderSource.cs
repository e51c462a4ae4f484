using System.Text.Json.Nodes;
using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.Files.SingleFile;
using CudaAttribution.Models.Schedulers;
using CudaAttribution.Models.Text;
using CudaAttribution.Models.UNet;
using CudaAttribution.Models.Vae;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Models.Files.Sources;

/// <summary>A model folder in diffusers' layout.</summary>
/// <remarks>A safety checker and other parts that judge or steer from outside may be named in <c>model_index.json</c>; they are not run.</remarks>
internal sealed class FolderSource : ModelSource
{
    private static readonly string[] NotRun = ["safety_checker", "feature_extractor", "image_encoder", "requires_safety_checker"];

    private readonly Lazy<JsonObject> _index;

    /// <exception cref="ModelFileException">There is no such folder, or the reference asks for what only a single file has.</exception>
    public FolderSource(ModelReference reference) : base(reference)
    {
        if (!Directory.Exists(Path))
        {
            throw new ModelFileException($"{Path} does not exist: name the folder of a model, which has a {ModelIndex.FileName}, or a single file");
        }
        if (reference.UNetWeights != UNetWeights.Plain)
        {
            throw new ModelFileException($"{Path} is a folder: only single files in the original layout have both plain and averaged weights");
        }
        if (reference.Prediction is not null)
        {
            throw new ModelFileException(
                $"{Path} is a folder: its {ModelIndex.SchedulerFolder}/{ModelIndex.SchedulerFile} says what the UNet predicts; give another of these "
                + "as configuration");
        }
        _index = new(ReadIndex);
    }

    public override bool HasVae => IsPresent(_index.Value[ComponentFolder.Vae.Name]);

    public override ITokenizer Tokenizer
    {
        get
        {
            string name = RequireClass(
                ModelIndex.TokenizerFolder, WordTokenizer.ClassName, ClipTokenizer.ClassName, ClipTokenizer.FastClassName);
            string folder = System.IO.Path.Combine(Path, ModelIndex.TokenizerFolder);
            return name == WordTokenizer.ClassName ? WordTokenizer.Load(folder) : ClipTokenizer.Load(folder);
        }
    }


    private string IndexFile => System.IO.Path.Combine(Path, ModelIndex.FileName);

    public override string? Derivation(params ReadOnlySpan<ComponentFolder> parts) => null;

    protected override UNetConfig ReadUNet() => Read(ComponentFolder.UNet, UNetConfig.FromJson, UNetConfig.ClassName);

    protected override AutoencoderKLConfig ReadVae() =>
        Read(ComponentFolder.Vae, AutoencoderKLConfig.FromJson, AutoencoderKLConfig.ClassName);

    protected override ClipTextConfig ReadTextEncoder() => Read(ComponentFolder.TextEncoder, ClipTextConfig.FromJson, ClipTextConfig.ClassName);

    protected override SchedulerConfig ReadScheduler()
    {
        RequireClass(ModelIndex.SchedulerFolder, "DDIMScheduler", "PNDMScheduler");
        string file = System.IO.Path.Combine(Path, ModelIndex.SchedulerFolder, ModelIndex.SchedulerFile);
        return SchedulerConfig.FromJson(ConfigJson.Load(file, "the noise schedule"), file);
    }

    protected override IWeightSource OpenWeights(ComponentFolder component) => component.Open(Path);

    /// <summary>An autoencoder may have the names of older versions of diffusers.</summary>
    protected override IWeightSource Current(ComponentFolder component, IWeightSource weights) =>
        component == ComponentFolder.Vae ? VaeWeights.Current(weights) : weights;

    private T Read<T>(ComponentFolder component, Func<JsonObject, string, T> parse, string className)
    {
        // A part alone is a model to an auditor; only a complete folder has an index.
        if (File.Exists(IndexFile)) RequireClass(component.Name, className);
        string file = component.Config(Path);
        return parse(ConfigJson.Load(file, $"the configuration of {component.What}"), file);
    }

    private JsonObject ReadIndex()
    {
        var index = ConfigJson.Load(IndexFile, "the list of the model's parts");
        string[] known = [.. ModelIndex.Required, ComponentFolder.Vae.Name, .. NotRun];
        foreach (var (key, value) in index)
        {
            if (key.StartsWith('_') || !IsPresent(value) || known.Contains(key)) continue;
            throw new ModelFileException(
                $"{IndexFile}: the part '{key}' is not supported; a model has {string.Join(", ", ModelIndex.Required)}, and "
                + $"{ComponentFolder.Vae.Name} if it works on latents");
        }
        return index;
    }

    /// <summary>diffusers writes a part that a pipeline does not have as null or as [null, null].</summary>
    private static bool IsPresent(JsonNode? entry) => entry is not null && !(entry is JsonArray parts && parts.All(p => p is null));

    /// <returns>The name of the class.</returns>
    private string RequireClass(string component, params string[] classes)
    {
        if (!IsPresent(_index.Value[component])) throw new ModelFileException($"{IndexFile} names no '{component}': the model has no such part");
        if (_index.Value[component] is not JsonArray { Count: 2 } entry)
        {
            throw new ModelFileException($"{IndexFile}: the part '{component}' must be given as [library, class]");
        }
        string name = entry[1]?.ToString() ?? "null";
        return classes.Contains(name)
            ? name
            : throw new ModelFileException($"{IndexFile}: the {component} is a {name}; supported is {string.Join(" or ", classes)}");
    }
}
