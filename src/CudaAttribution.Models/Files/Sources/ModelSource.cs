using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.Files.Lora;
using CudaAttribution.Models.Schedulers;
using CudaAttribution.Models.Text;
using CudaAttribution.Models.UNet;
using CudaAttribution.Models.Vae;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Models.Files.Sources;

/// <summary>
/// A model on disk, whatever its form: its configurations, and its weights under today's diffusers and transformers names. Nothing is read before
/// it is asked for.
/// </summary>
/// <param name="reference">What was asked for.</param>
internal abstract class ModelSource(ModelReference reference) : IDisposable
{
    private readonly Dictionary<ComponentFolder, IWeightSource> _opened = [];
    private (IWeightSource UNet, IWeightSource TextEncoder)? _adapted;

    /// <summary>The folder or file.</summary>
    public string Path { get; } = System.IO.Path.GetFullPath(reference.Path);

    /// <summary>Whether the UNet works on latents.</summary>
    public abstract bool HasVae { get; }

    public UNetConfig UNet => Overrides.UNet ?? ReadUNet();

    /// <exception cref="ModelFileException">Also where the model has none.</exception>
    public AutoencoderKLConfig Vae => Overrides.Vae ?? ReadVae();

    public ClipTextConfig TextEncoder => Overrides.TextEncoder ?? ReadTextEncoder();

    public SchedulerConfig Scheduler => Overrides.Scheduler ?? ReadScheduler();

    public abstract ITokenizer Tokenizer { get; }

    /// <summary>What configurations rest on where the model does not come with them, with the configurations; null where it does.</summary>
    /// <param name="parts">Whose; those of other parts may be such that they cannot be told.</param>
    /// <exception cref="ModelFileException">One of them cannot be told.</exception>
    public abstract string? Derivation(params ReadOnlySpan<ComponentFolder> parts);

    protected ModelReference Reference { get; } = reference;

    protected ConfigOverrides Overrides { get; } = ConfigOverrides.Load(reference.Configs);

    /// <summary>Opens what a reference names.</summary>
    /// <exception cref="ModelFileException">There is no such model, or the reference asks for what its form does not have.</exception>
    public static ModelSource Open(ModelReference reference) =>
        File.Exists(reference.Path) ? new SingleFileSource(reference) : new FolderSource(reference);

    /// <summary>The weights of a part with the adapters added; they belong to this source.</summary>
    /// <exception cref="ModelFileException">They are missing or damaged, or an adapter does not fit.</exception>
    public IWeightSource Weights(ComponentFolder component)
    {
        if (Reference.Adapters.Count == 0 || component == ComponentFolder.Vae) return Plain(component);
        _adapted ??= Reference.Adapters.Aggregate((Plain(ComponentFolder.UNet), Plain(ComponentFolder.TextEncoder)), Merge);
        return component == ComponentFolder.UNet ? _adapted.Value.UNet : _adapted.Value.TextEncoder;
    }

    /// <summary>Everything but the weights.</summary>
    /// <exception cref="ModelFileException">A file is missing, unusable, or two do not fit each other.</exception>
    public ModelIndex Index()
    {
        if (!HasVae && Overrides.Vae is not null) throw new ModelFileException($"{Path} has no autoencoder that could be configured");
        var index = new ModelIndex(UNet, TextEncoder, Tokenizer, Scheduler, HasVae ? Vae : null);
        return index.Problem() is { } problem ? throw new ModelFileException($"{Path}: {problem}") : index;
    }

    public virtual void Dispose()
    {
        foreach (var weights in _opened.Values) weights.Dispose();
    }

    protected abstract UNetConfig ReadUNet();

    protected abstract AutoencoderKLConfig ReadVae();

    protected abstract ClipTextConfig ReadTextEncoder();

    protected abstract SchedulerConfig ReadScheduler();

    /// <summary>Opens the weights of a part; the caller closes them.</summary>
    protected abstract IWeightSource OpenWeights(ComponentFolder component);

    /// <summary>Opened weights under today's names.</summary>
    protected virtual IWeightSource Current(ComponentFolder component, IWeightSource weights) => weights;

    private static (IWeightSource UNet, IWeightSource TextEncoder) Merge(
        (IWeightSource UNet, IWeightSource TextEncoder) weights, AdapterReference added)
    {
        using var adapter = LoraAdapter.Open(added.Path);
        return adapter.Merge(weights.UNet, weights.TextEncoder, added.Scale);
    }

    private IWeightSource Plain(ComponentFolder component)
    {
        if (!_opened.TryGetValue(component, out var weights)) _opened.Add(component, weights = OpenWeights(component));
        return Current(component, weights);
    }
}
