using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.Schedulers;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Models.Files.SingleFile;

/// <summary>
/// A Stable Diffusion model in one file in the original layout, <c>.safetensors</c> or <c>.ckpt</c>, presented as the three files of diffusers'
/// layout: <see cref="UNet"/>, <see cref="Vae"/> and <see cref="TextEncoder"/> have the names and shapes of diffusers and transformers.
/// </summary>
public sealed class SingleFileCheckpoint : IDisposable
{
    /// <summary>The prediction type, <c>v</c> or <c>epsilon</c>, as files say it that follow the ModelSpec convention.</summary>
    internal const string PredictionKey = "modelspec.prediction_type", VelocityValue = "v", EpsilonValue = "epsilon";

    private const string GlobalStep = "global_step", StepsOfV2Base = "875000";

    private readonly IWeightSource _file;
    private readonly SingleFileOptions _options;
    private readonly WeightView _unet, _vae, _text;
    private readonly List<string> _ignored = [], _unknown = [];
    private readonly HashSet<string> _averages = new(StringComparer.Ordinal);

    private SingleFileCheckpoint(IWeightSource file, SingleFileOptions options)
    {
        (_file, _options) = (file, options);
        (_unet, _vae, _text) = (new WeightView(file.Path, file.Metadata), new WeightView(file.Path), new WeightView(file.Path));
        Family = FindFamily();
        HasEma = file.Weights.Keys.Any(n => n.StartsWith(LdmNames.EmaPrefix, StringComparison.Ordinal) && !LdmNames.IsIgnored(n));
        AddUNet();
        AddVae();
        AddText();
        FindUnknown();
    }

    public string Path => _file.Path;

    public StableDiffusionFamily Family { get; }

    /// <summary>Whether the file has a moving average of the UNet's weights besides the weights.</summary>
    public bool HasEma { get; }

    /// <summary>The UNet's weights or their moving average, by <see cref="SingleFileOptions.UNetWeights"/>.</summary>
    public IWeightSource UNet => _unet;

    public IWeightSource Vae => _vae;

    public IWeightSource TextEncoder => _text;

    /// <summary>Tensors that are no weights, of a layer that is not used, or of the weights that were not chosen; in ordinal order.</summary>
    public IReadOnlyList<string> Ignored => _ignored;

    /// <summary>
    /// What the UNet predicts, where the caller does not know better: what the file's metadata say; otherwise noise for v1, and for v2 noise only if
    /// <c>global_step</c> is that of v2-base, else velocity. For a v2 file without metadata this is a guess.
    /// </summary>
    public PredictionType DefaultPrediction => DefaultOf().Prediction;

    /// <summary>What <see cref="DefaultPrediction"/> rests on, in words.</summary>
    public string PredictionSource => DefaultOf().Source;

    /// <summary>Opens a file; nothing but names and shapes is read.</summary>
    /// <exception cref="ModelFileException">
    /// It cannot be read, is no Stable Diffusion model in the original layout, or has tensors that are not known; the message lists them.
    /// </exception>
    public static SingleFileCheckpoint Open(string path, SingleFileOptions? options = null)
    {
        try
        {
            return From(WeightFiles.Open(path), options);
        }
        catch (WeightFileException e)
        {
            throw new ModelFileException($"the weights cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Presents a source, which is closed with this, or at once where it is refused.</summary>
    /// <exception cref="ModelFileException">As <see cref="Open"/>.</exception>
    public static SingleFileCheckpoint From(IWeightSource file, SingleFileOptions? options = null)
    {
        try
        {
            return new SingleFileCheckpoint(file, options ?? new SingleFileOptions());
        }
        catch (Exception e)
        {
            file.Dispose();
            if (e is WeightFileException) throw new ModelFileException(e.Message, e);
            throw;
        }
    }

    /// <summary>Closes the file; the three sources can no longer be read.</summary>
    public void Dispose() => _file.Dispose();

    private (PredictionType Prediction, string Source) DefaultOf() => _file.Metadata.GetValueOrDefault(PredictionKey) switch
    {
        VelocityValue => (PredictionType.VPrediction, $"the file's {PredictionKey}"),
        EpsilonValue => (PredictionType.Epsilon, $"the file's {PredictionKey}"),
        _ when Family == StableDiffusionFamily.V1 => (PredictionType.Epsilon, "that of v1"),
        _ when _file.Metadata.GetValueOrDefault(GlobalStep) == StepsOfV2Base => (PredictionType.Epsilon, $"{GlobalStep} is that of v2-base"),
        _ => (PredictionType.VPrediction, "a guess, v2 files do not say it"),
    };

    private StableDiffusionFamily FindFamily()
    {
        bool clip = Below(LdmNames.ClipPrefix).Any(), openClip = Below(LdmNames.OpenClipPrefix).Any();
        string[] absent =
        [
            .. Below(LdmNames.UNetPrefix).Any() ? [] : (string[])[$"UNet ({LdmNames.UNetPrefix}*)"],
            .. Below(LdmNames.VaePrefix).Any() ? [] : (string[])[$"autoencoder ({LdmNames.VaePrefix}*)"],
            .. clip || openClip ? [] : (string[])[$"text encoder ({LdmNames.ClipPrefix}* or {LdmNames.OpenClipPrefix}*)"],
        ];
        if (absent.Length > 0)
        {
            throw Fail($"it has no {string.Join(", no ", absent)}: it is no complete Stable Diffusion v1 or v2 model in the original layout. Its "
                + $"tensors are {PrintableText.List(_file.Weights.Keys, 3)}");
        }
        if (clip && openClip) throw Fail("it has the text encoders of Stable Diffusion v1 and of v2, one is needed");
        return openClip ? StableDiffusionFamily.V2 : StableDiffusionFamily.V1;
    }

    private void AddUNet()
    {
        var layout = UNetLayout.OfLdm(Below(LdmNames.UNetPrefix).Select(n => n[LdmNames.UNetPrefix.Length..]))
            ?? throw Fail($"its blocks {LdmNames.UNetPrefix}input_blocks and output_blocks are not those of a UNet of Stable Diffusion v1 or v2");
        var absent = new List<string>();
        foreach (string name in Below(LdmNames.UNetPrefix))
        {
            string rest = name[LdmNames.UNetPrefix.Length..];
            string? target = LdmUNetNames.ToDiffusers(rest, layout);
            if (target is null)
            {
                _unknown.Add(name);
                continue;
            }
            string chosen = _options.UNetWeights == UNetWeights.Ema ? LdmNames.EmaOf(rest) : name;
            if (!_file.Weights.ContainsKey(chosen)) absent.Add(chosen);
            else if (_file.Info(chosen).Shape != _file.Info(name).Shape)
            {
                throw Fail($"'{PrintableText.Of(chosen)}' is {_file.Info(chosen).Shape}, '{PrintableText.Of(name)}' is {_file.Info(name).Shape}");
            }
            else
            {
                _unet.Add(target, _file, chosen);
                if (chosen != name) _averages.Add(chosen);
            }
        }
        if (absent.Count > 0)
        {
            throw Fail($"it has no complete moving average (EMA) of the UNet: {absent.Count} tensors are missing: {PrintableText.List(absent)}. "
                + "Take the plain weights");
        }
    }

    private void AddVae()
    {
        int levels = LdmVaeNames.Levels(Below(LdmNames.VaePrefix).Select(n => n[LdmNames.VaePrefix.Length..]));
        foreach (string name in Below(LdmNames.VaePrefix))
        {
            string? target = LdmVaeNames.ToDiffusers(name[LdmNames.VaePrefix.Length..], levels);
            if (target is not null) _vae.Add(target, _file, name, VaeWeights.MatrixShape(target, _file.Info(name).Shape));
            else _unknown.Add(name);
        }
    }

    private void AddText()
    {
        foreach (string name in Below(LdmNames.ClipPrefix))
        {
            if (LdmNames.ClipToTransformers(name[LdmNames.ClipPrefix.Length..]) is { } target) _text.Add(target, _file, name);
            else _unknown.Add(name);
        }
        foreach (string name in Below(LdmNames.OpenClipPrefix))
        {
            string[] targets = OpenClipNames.ToTransformers(name[LdmNames.OpenClipPrefix.Length..]);
            if (targets.Length == 1) _text.Add(targets[0], _file, name);
            else if (targets.Length > 1) AddThirds(name, targets);
            else _unknown.Add(name);
        }
    }

    private void AddThirds(string name, string[] targets)
    {
        var shape = _file.Info(name).Shape;
        if (shape.Rank == 0 || shape[0] % targets.Length != 0)
        {
            throw Fail($"'{PrintableText.Of(name)}' is {shape}: queries, keys and values need {targets.Length} equal parts of its rows");
        }
        int[] part = shape.ToArray();
        part[0] /= targets.Length;
        long count = new Shape(part).Count;
        for (int i = 0; i < targets.Length; i++) _text.Add(targets[i], part, new WeightPart(_file, name, i * count, count));
    }

    private void FindUnknown()
    {
        string[] prefixes = [LdmNames.UNetPrefix, LdmNames.VaePrefix, LdmNames.ClipPrefix, LdmNames.OpenClipPrefix];
        foreach (string name in _file.Weights.Keys)
        {
            if (_averages.Contains(name)) continue;
            bool other = name.StartsWith(LdmNames.EmaPrefix, StringComparison.Ordinal)
                || (_options.UNetWeights == UNetWeights.Ema && name.StartsWith(LdmNames.UNetPrefix, StringComparison.Ordinal));
            if (other || LdmNames.IsIgnored(name, _options.OpenClipLayers)) _ignored.Add(name);
            else if (!Array.Exists(prefixes, p => name.StartsWith(p, StringComparison.Ordinal))) _unknown.Add(name);
        }
        if (_unknown.Count > 0)
        {
            throw Fail($"{_unknown.Count} of its tensors are unknown and may change the computation: {PrintableText.List(_unknown)}");
        }
    }

    /// <summary>Tensors under a prefix that are weights.</summary>
    private IEnumerable<string> Below(string prefix) => _file.Weights.Keys.Where(
        n => n.StartsWith(prefix, StringComparison.Ordinal) && !LdmNames.IsIgnored(n, _options.OpenClipLayers));

    private ModelFileException Fail(string reason) => new($"{Path}: {PrintableText.Of(reason, 2000)}");
}
