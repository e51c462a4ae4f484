using System.Security.Cryptography;
using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.Files;
using CudaAttribution.Models.Files.Lora;
using CudaAttribution.Models.Files.Sources;
using CudaAttribution.Models.Layers;
using CudaAttribution.Models.Schedulers;
using CudaAttribution.Models.Text;
using CudaAttribution.Models.UNet;
using CudaAttribution.Models.Vae;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Models.Diffusion;

/// <summary>
/// A text-to-image diffusion model on a device: UNet, text encoder, tokenizer and noise schedule, kept as a folder in diffusers' layout. With an
/// autoencoder the UNet works on latents, else on pixels; a picture is <c>[H,W,3]</c> in [−1, 1].
/// </summary>
public sealed class DiffusionModel : IDisposable
{
    /// <summary>Four latents of 64 x 64; one of them, with guidance, takes at most 1.5 GB beside the weights (measured, v1.5 in F32).</summary>
    private const int MaxBatch = 16, MaxBatchElements = 1 << 14;

    private readonly ModelIndex _index;
    private readonly ParameterSet[] _sets;
    private readonly (ComponentFolder Folder, ModelPart Part)[] _parts;

    private DiffusionModel(ModelIndex index, ComputeDevice device, ModelUse use, WeightInit init, LoraOptions? lora = null)
    {
        (_index, Device, Use) = (index, device, use);
        var unet = new ParameterSet(device);
        var text = use == ModelUse.TrainAll ? unet : new ParameterSet(device);
        var scope = new ParameterScope(unet, init);
        List<ParameterSet> sets = ReferenceEquals(unet, text) ? [unet] : [unet, text];
        if (lora is not null)
        {
            lora.Validate();
            if (use != ModelUse.TrainUNet) throw new ArgumentException($"a model with an adapter is opened for {ModelUse.TrainUNet}, not for {use}");
            Adapter = new TrainedAdapter(new ParameterSet(device), lora);
            scope = new ParameterScope(unet, init, Adapter.Parameters, lora);
            sets.Insert(0, Adapter.Parameters);
        }
        UNet = new UNet2DConditionModel(index.UNet, scope["unet"]);
        TextEncoder = new ClipTextModel(index.TextEncoder, new ParameterScope(text, init)["text_encoder"]);
        if (index.Vae is { } config)
        {
            var vae = new ParameterSet(device);
            Vae = new AutoencoderKL(config, new ParameterScope(vae, init)["vae"]);
            sets.Add(vae);
        }
        _sets = [.. sets];
        for (int i = 0; i < _sets.Length; i++) _sets[i].Freeze(trainable: i == 0 && use != ModelUse.Sampling);
        List<(ComponentFolder, ModelPart)> parts =
            [(ComponentFolder.UNet, new ModelPart(unet, "unet.")), (ComponentFolder.TextEncoder, new ModelPart(text, "text_encoder."))];
        if (Vae is not null) parts.Add((ComponentFolder.Vae, new ModelPart(_sets[^1], "vae.")));
        _parts = [.. parts];
    }

    public ComputeDevice Device { get; }

    public ModelUse Use { get; }

    public UNet2DConditionModel UNet { get; }

    public ClipTextModel TextEncoder { get; }

    /// <summary>The autoencoder between pictures and latents; null where the UNet works on pixels.</summary>
    public AutoencoderKL? Vae { get; }

    /// <summary>The adapter that is trained in place of the UNet's weights, which then stay as they are; null where there is none.</summary>
    internal TrainedAdapter? Adapter { get; }

    /// <summary>Whether the model was opened with an adapter.</summary>
    public bool HasAdapter => Adapter is not null;

    /// <summary>Side of a picture in pixels.</summary>
    public int PictureSize => UNet.Config.SampleSize << (Vae?.Config.Halvings ?? 0);

    /// <summary>
    /// For a model that came without configuration: what it was taken for and the configurations that were derived, to be shown; else null.
    /// </summary>
    public string? Derivation { get; private init; }

    /// <summary>Pictures that are computed together where nothing else is said: fewer, the larger what the UNet works on.</summary>
    public int DefaultBatch => Math.Clamp(MaxBatchElements / (UNet.Config.SampleSize * UNet.Config.SampleSize), 1, MaxBatch);

    /// <summary>Every configuration, as JSON: with the weights, what decides the pictures.</summary>
    public string Configuration =>
        string.Concat(UNet.Config.ToJson(), TextEncoder.Config.ToJson(), Scheduler.ToJson(), Vae?.Config.ToJson());

    public ITokenizer Tokenizer => _index.Tokenizer;

    public SchedulerConfig Scheduler => _index.Scheduler;

    /// <summary>Number of parameters of the UNet.</summary>
    public long UNetParameterCount => _parts[0].Part.Count;

    /// <summary>Number of parameters of the text encoder.</summary>
    public long TextEncoderParameterCount => _parts[1].Part.Count;

    /// <summary>The parameters that training changes, an adapter's or the model's: the first set.</summary>
    /// <exception cref="InvalidOperationException">The model was opened for sampling.</exception>
    internal ParameterSet Trained => Use != ModelUse.Sampling
        ? Weights
        : throw new InvalidOperationException("the model was opened for sampling: open it for training");

    /// <summary>The UNet's parameters, or an adapter's; those of the text encoder too where they are trained together.</summary>
    internal ParameterSet Weights => _sets[0];

    /// <summary>Device memory of the weights.</summary>
    internal long WeightBytes => _sets.Sum(s => s.Bytes);

    /// <summary>A new model with a vocabulary made from <paramref name="captions"/>.</summary>
    /// <param name="preset">The architecture.</param>
    /// <param name="captions">The captions it will be trained on.</param>
    /// <param name="device">Where it lives.</param>
    /// <param name="seed">Seed of the starting weights.</param>
    /// <param name="use">What for.</param>
    public static DiffusionModel Create(
        ModelPreset preset, IEnumerable<string> captions, ComputeDevice device, ulong seed, ModelUse use = ModelUse.TrainAll) =>
        Create(preset, WordTokenizer.Train(captions, preset.MaxTokens, preset.MaxVocabulary), device, seed, use);

    /// <summary>A new model over a tokenizer.</summary>
    /// <param name="preset">The architecture.</param>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="device">Where it lives.</param>
    /// <param name="seed">Seed of the starting weights.</param>
    /// <param name="use">What for.</param>
    public static DiffusionModel Create(ModelPreset preset, ITokenizer tokenizer, ComputeDevice device, ulong seed, ModelUse use = ModelUse.TrainAll)
    {
        var index = new ModelIndex(preset.UNet, preset.TextEncoderFor(tokenizer), tokenizer, preset.Scheduler);
        return Create(index, device, seed, use);
    }

    /// <summary>A new model of these parts.</summary>
    internal static DiffusionModel Create(ModelIndex index, ComputeDevice device, ulong seed, ModelUse use = ModelUse.TrainAll)
    {
        if (index.Problem() is { } problem) throw new ArgumentException(problem, nameof(index));
        var init = new WeightInit();
        var model = new DiffusionModel(index, device, use, init);
        foreach (var set in model._sets) init.Fill(set, seed);
        return model;
    }

    /// <summary>Reads a model: a folder in diffusers' layout, or a single file in the original layout.</summary>
    /// <param name="reference">Its path, and what to take in place of what is there.</param>
    /// <param name="device">Where the model goes.</param>
    /// <param name="use">What for.</param>
    /// <param name="lora">An adapter to train in place of the UNet's weights, for <see cref="ModelUse.TrainUNet"/>; null to train these.</param>
    /// <exception cref="ModelFileException">A file is missing, damaged or does not fit; the message names it and lists the tensors.</exception>
    public static DiffusionModel Load(
        ModelReference reference, ComputeDevice device, ModelUse use = ModelUse.Sampling, LoraOptions? lora = null)
    {
        using var source = ModelSource.Open(reference);
        var init = new WeightInit();
        var model = new DiffusionModel(source.Index(), device, use, init, lora) { Derivation = source.Derivation([.. ComponentFolder.All]) };
        try
        {
            if (model.Adapter is { } adapter) init.Fill(adapter.Parameters, adapter.Options.Seed);
            foreach (var (folder, part) in model._parts) WeightFile.Load(source.Weights(folder), part);
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>The same parts for the same use on another device, without values: what a plan needs.</summary>
    internal DiffusionModel Planned(ComputeDevice device) => Planned(_index, device, Use, Adapter?.Options);

    /// <summary>A model of these parts without values.</summary>
    internal static DiffusionModel Planned(ModelIndex index, ComputeDevice device, ModelUse use, LoraOptions? lora = null) =>
        new(index, device, use, new WeightInit(), lora);

    /// <summary>Writes the model folder, an adapter merged in; it appears whole or not at all, and replaces a model that is there.</summary>
    /// <param name="folder">Where to; its parent folders are made.</param>
    /// <param name="type">Type of the weights in the file: F32, F16 or BF16.</param>
    /// <exception cref="ModelFileException">
    /// The folder cannot be written, has other things in it, or a weight does not fit <paramref name="type"/>.
    /// </exception>
    public void Save(string folder, DType type = DType.F32) => AtomicFolder.Write(
        folder,
        temporary =>
        {
            _index.Write(temporary);
            foreach (var (component, part) in _parts)
            {
                var deltas = component == ComponentFolder.UNet ? Adapter?.Deltas() : null;
                WeightFile.Save(component.Weights(temporary), part, type, deltas);
            }
        },
        mayReplace: existing => File.Exists(Path.Combine(existing, ModelIndex.FileName)));

    /// <summary>Writes the adapter as a file of its own, under the names of diffusers and PEFT; <see cref="LoraAdapter"/> reads it.</summary>
    /// <exception cref="InvalidOperationException">The model was opened without one.</exception>
    /// <exception cref="WeightFileException">The file cannot be written.</exception>
    public void SaveAdapter(string path)
    {
        if (Adapter is null) throw new InvalidOperationException("the model was opened without an adapter");
        Adapter.Write(path);
    }

    /// <summary>
    /// SHA-256 over names, shapes and F32 values of all weights but an adapter's, lower-case hexadecimal: the model's identity in manifests. Waits
    /// for the device.
    /// </summary>
    public string WeightsHash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (_, part) in _parts) WeightFile.AddTo(hash, part);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>The same of one part alone.</summary>
    internal string WeightsHash(ComponentFolder component)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        WeightFile.AddTo(hash, _parts.Single(p => p.Folder == component).Part);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Embeds prompts.</summary>
    /// <returns><c>[prompts.Count, Tokenizer.MaxLength, cross_attention_dim]</c>, on <paramref name="tape"/>.</returns>
    public Tensor EncodeText(Tape tape, IReadOnlyList<string> prompts)
    {
        var shape = new Shape(prompts.Count, Tokenizer.MaxLength);
        return TextEncoder.Forward(tape, EmbeddingTable.Ids(tape.Arena, Tokenizer.Encode(prompts), shape, TextEncoder.Config.VocabSize));
    }

    /// <summary>Pictures of latents.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="x">What the UNet works on, <c>[N,h,w,C]</c>; it is not changed.</param>
    /// <param name="tiling">Decodes in tiles; null decodes the whole.</param>
    /// <returns><c>[N,H,W,3]</c>, about [−1, 1]; <paramref name="x"/> itself where the UNet works on pixels.</returns>
    internal Tensor Decode(Tape tape, Tensor x, VaeTiling? tiling = null)
    {
        if (Vae is null) return x;
        var latent = tape.New(x.Shape);
        Elementwise.ScaleInto(x, (float)(1 / Vae.Config.ScalingFactor), latent);
        return tiling is null ? Vae.Decode(tape, latent) : tiling.Decode(tape, latent);
    }

    public void Dispose()
    {
        foreach (var set in _sets) set.Dispose();
    }
}
