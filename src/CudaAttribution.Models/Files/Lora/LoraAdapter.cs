using CudaAttribution.Models.Configuration;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Models.Files.Lora;

/// <summary>
/// A LoRA adapter: for some modules of a UNet and a text encoder two matrices of a small rank, whose product is added to the module's weight. Read
/// from files of diffusers, PEFT and kohya's scripts.
/// </summary>
public sealed class LoraAdapter : IDisposable
{
    internal const string PeftMetadata = "lora_adapter_metadata";

    private readonly IWeightSource _file;
    private readonly Dictionary<LoraKey, LoraTensors> _modules = [];

    private LoraAdapter(IWeightSource file)
    {
        _file = file;
        var unknown = new List<string>();
        foreach (string name in file.Weights.Keys)
        {
            if (LoraNames.Parse(name) is not var (key, role)) unknown.Add(name);
            else if (!_modules.GetValueOrDefault(key).With(role, name, out var tensors))
            {
                throw Fail($"both '{PrintableText.Of(tensors.Name(role)!)}' and '{PrintableText.Of(name)}' are for the same module");
            }
            else _modules[key] = tensors;
        }
        if (unknown.Count > 0)
        {
            throw Fail($"{unknown.Count} of its {file.Weights.Count} tensors are of no LoRA adapter that is supported (diffusers, PEFT and kohya key "
                + $"names; no DoRA, LoHa, LoKr): {PrintableText.List(unknown)}");
        }
        string[] halves =
            [.. _modules.Where(m => m.Value.Down is null || m.Value.Up is null).Select(m => m.Key.Module).Order(StringComparer.Ordinal)];
        if (halves.Length > 0) throw Fail($"one of the two matrices is missing for {halves.Length} modules: {PrintableText.List(halves)}");
    }

    /// <summary>Number of modules that the adapter changes.</summary>
    public int ModuleCount => _modules.Count;

    /// <summary>Opens a file and checks its names.</summary>
    /// <exception cref="ModelFileException">
    /// It cannot be read, or has tensors that are of no adapter that is supported; the message lists them.
    /// </exception>
    public static LoraAdapter Open(string path)
    {
        IWeightSource? file = null;
        try
        {
            file = WeightFiles.Open(path);
            return new LoraAdapter(file);
        }
        catch (Exception e)
        {
            file?.Dispose();
            if (e is WeightFileException) throw new ModelFileException($"the adapter cannot be read: {e.Message}", e);
            throw;
        }
    }

    /// <summary>
    /// The weights of a model with the adapter added: W + scale · alpha / rank · up · down, where alpha is the rank if the file has none. Views: both
    /// sources stay the caller's and must stay open, this adapter need not.
    /// </summary>
    /// <param name="unet">The UNet under diffusers' names.</param>
    /// <param name="textEncoder">The text encoder under transformers' names.</param>
    /// <param name="scale">Strength of the adapter.</param>
    /// <exception cref="ModelFileException">
    /// A module is in neither source, a matrix does not fit its weight, or is NaN or infinite; the message lists the modules.
    /// </exception>
    public (IWeightSource UNet, IWeightSource TextEncoder) Merge(IWeightSource unet, IWeightSource textEncoder, float scale = 1)
    {
        if (!float.IsFinite(scale)) throw new ArgumentOutOfRangeException(nameof(scale), scale, "the strength of an adapter must be a finite number");
        try
        {
            var alphas = PeftAlphas.Read(_file.Metadata.GetValueOrDefault(PeftMetadata), _file.Path);
            var unetDeltas = Deltas(unet, LoraTarget.UNet, scale, alphas, out var unetUnknown);
            var textDeltas = Deltas(textEncoder, LoraTarget.TextEncoder, scale, alphas, out var textUnknown);
            string[] unknown = [.. unetUnknown.Concat(textUnknown)];
            return unknown.Length == 0
                ? (new MergedWeights(unet, unetDeltas), new MergedWeights(textEncoder, textDeltas))
                : throw Fail($"{unknown.Length} of its {ModuleCount} modules are not in the model: {PrintableText.List(unknown)}");
        }
        catch (WeightFileException e)
        {
            throw new ModelFileException($"the adapter cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => _file.Dispose();

    private Dictionary<string, LowRankDelta> Deltas(
        IWeightSource weights, LoraTarget target, float scale, PeftAlphas alphas, out List<string> unknown)
    {
        unknown = [];
        var deltas = new Dictionary<string, LowRankDelta>(StringComparer.Ordinal);
        var byFlatName = weights.Weights.Keys.Where(n => n.EndsWith(".weight", StringComparison.Ordinal)).Select(n => n[..^".weight".Length])
            .ToLookup(LoraNames.Flat, StringComparer.Ordinal);
        foreach (var (key, tensors) in _modules.Where(m => m.Key.Target == target).OrderBy(m => m.Key.Module, StringComparer.Ordinal))
        {
            string[] candidates = key.IsFlat ? [.. byFlatName[key.Module]] : [key.Module];
            string weight = candidates.Length == 1 ? candidates[0] + ".weight" : "";
            if (!weights.Weights.TryGetValue(weight, out var info))
            {
                unknown.Add(tensors.Down!);
                continue;
            }
            var delta = Delta(weight, info, key, tensors, scale, alphas);
            if (!deltas.TryAdd(weight, delta)) throw Fail($"it changes '{PrintableText.Of(weight)}' twice, under two names");
        }
        return deltas;
    }

    private LowRankDelta Delta(string weight, WeightInfo info, LoraKey key, LoraTensors tensors, float scale, PeftAlphas alphas)
    {
        Shape down = _file.Info(tensors.Down!).Shape, up = _file.Info(tensors.Up!).Shape;
        if (!LowRankDelta.Fits(info.Shape, down, up))
        {
            throw Fail($"'{PrintableText.Of(tensors.Down!)}' {down} and '{PrintableText.Of(tensors.Up!)}' {up} do not fit "
                + $"'{PrintableText.Of(weight)}' {info.Shape}: [rank,in,...] and [out,rank] are needed");
        }
        int rank = down[0];
        double factor = tensors.Alpha is { } alpha ? _file.ReadScalar(alpha) / rank : alphas.Factor(key, rank);
        if (!double.IsFinite(factor * scale)) throw Fail($"the scale of '{PrintableText.Of(weight)}' is {factor * scale}");
        return new LowRankDelta(rank, Values(tensors.Down!), Values(tensors.Up!), factor * scale);
    }

    private float[] Values(string name)
    {
        float[] values = _file.ReadF32(name);
        _file.RequireFinite(name, values);
        return values;
    }

    private ModelFileException Fail(string reason) => new($"{_file.Path}: {reason}");

    /// <summary>Names of the tensors of one module.</summary>
    private readonly record struct LoraTensors(string? Down, string? Up, string? Alpha)
    {
        public string? Name(LoraRole role) => role switch
        {
            LoraRole.Down => Down,
            LoraRole.Up => Up,
            _ => Alpha,
        };

        /// <summary>These with one more; false, and these as they are, where it is taken.</summary>
        public bool With(LoraRole role, string name, out LoraTensors result)
        {
            result = this;
            if (Name(role) is not null) return false;
            result = role switch
            {
                LoraRole.Down => this with { Down = name },
                LoraRole.Up => this with { Up = name },
                _ => this with { Alpha = name },
            };
            return true;
        }
    }
}
