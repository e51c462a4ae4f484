using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Files;
using CudaAttribution.Models.Files.Sources;
using CudaAttribution.Models.Layers;
using CudaAttribution.Models.Text;
using CudaAttribution.Models.UNet;
using CudaAttribution.Models.Vae;
using CudaAttribution.Runs;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Models.Audit;

/// <summary>
/// One part of a model folder alone on a device, run on given tensors: what an auditor compares with another implementation. Tensors are in
/// PyTorch's layout, pictures and latents <c>[N,C,H,W]</c>, under diffusers' names.
/// </summary>
public sealed class ModelComponent : IDisposable
{
    private readonly ParameterSet _parameters;
    private readonly Func<Tape, Arguments, (string Name, Tensor Value)> _run;

    private ModelComponent(ParameterSet parameters, Func<Tape, Arguments, (string Name, Tensor Value)> run) =>
        (_parameters, _run) = (parameters, run);

    /// <summary>The parts that can be run.</summary>
    public static IReadOnlyList<string> Names { get; } = ["unet", "vae-encode", "vae-decode", "text"];

    /// <inheritdoc cref="DiffusionModel.Derivation"/>
    public string? Derivation { get; private init; }

    /// <summary>Loads a part; of a model folder nothing else needs to be there.</summary>
    /// <param name="model">The model, which may name a configuration to use in place of its own.</param>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="device">Where it runs.</param>
    /// <exception cref="UserException">There is no such part.</exception>
    /// <exception cref="ModelFileException">A file is missing or does not fit.</exception>
    public static ModelComponent Load(ModelReference model, string name, ComputeDevice device)
    {
        var folder = name switch
        {
            "unet" => ComponentFolder.UNet,
            "vae-encode" or "vae-decode" => ComponentFolder.Vae,
            "text" => ComponentFolder.TextEncoder,
            _ => throw new UserException($"unknown component '{name}'", $"Use {string.Join(", ", Names)} or tokenize.") { Setting = "component" },
        };
        using var source = ModelSource.Open(model);
        var parameters = new ParameterSet(device);
        try
        {
            var scope = new ParameterScope(parameters, new WeightInit());
            Func<Tape, Arguments, (string, Tensor)> run;
            switch (name)
            {
                case "unet":
                    var unet = new UNet2DConditionModel(source.UNet, scope);
                    run = (tape, a) => ("sample", unet.Forward(tape, a.Pictures("sample"), a.Timesteps(), a.Floats("encoder_hidden_states")));
                    break;
                case "text":
                    var text = new ClipTextModel(source.TextEncoder, scope);
                    run = (tape, a) => ("last_hidden_state", text.Forward(tape, a.Ids(text.Config.VocabSize)));
                    break;
                default:
                    var vae = new AutoencoderKL(source.Vae, scope);
                    run = name == "vae-encode"
                        ? (tape, a) => ("moments", vae.Encode(tape, a.Pictures("image")))
                        : (tape, a) => ("sample", vae.Decode(tape, a.Pictures("latent")));
                    break;
            }
            parameters.Freeze(trainable: false);
            WeightFile.Load(source.Weights(folder), new ModelPart(parameters, ""));
            return new ModelComponent(parameters, run) { Derivation = source.Derivation(folder) };
        }
        catch
        {
            parameters.Dispose();
            throw;
        }
    }

    /// <summary>Runs the part.</summary>
    /// <param name="inputs">
    /// unet: <c>sample</c>, <c>timestep</c>, <c>encoder_hidden_states</c>; vae-encode: <c>image</c>; vae-decode: <c>latent</c>; text:
    /// <c>input_ids</c>.
    /// </param>
    /// <param name="trace">Gets every layer's output, in order.</param>
    /// <returns><c>sample</c>, <c>moments</c> or <c>last_hidden_state</c>.</returns>
    /// <exception cref="ModelFileException">An input is missing, superfluous, or of a type or shape that does not fit.</exception>
    public (string Name, HostTensor Value) Run(IReadOnlyDictionary<string, HostTensor> inputs, Action<string, HostTensor>? trace = null)
    {
        using var tape = new Tape(_parameters.Device, record: false)
        {
            Tracer = trace is null ? null : (layer, output) => trace(layer, ToHost(output)),
        };
        var arguments = new Arguments(tape.Arena, inputs);
        try
        {
            var (name, value) = _run(tape, arguments);
            arguments.RequireAllUsed();
            return (name, ToHost(value));
        }
        catch (ArgumentException e)
        {
            throw new ModelFileException($"the inputs do not fit: {e.Message}", e);
        }
    }

    public void Dispose() => _parameters.Dispose();

    /// <summary>A feature map as <c>[N,C,H,W]</c>, anything else as it is.</summary>
    private static HostTensor ToHost(Tensor tensor)
    {
        float[] values = tensor.ToArray<float>();
        var s = tensor.Shape;
        return s.Rank == 4
            ? HostTensor.From(WeightMap.ToFile(values, s), WeightMap.FileShape(s))
            : HostTensor.From(values, s);
    }

    /// <summary>The inputs by name, moved to the device in the layout of this program.</summary>
    private sealed class Arguments(Arena arena, IReadOnlyDictionary<string, HostTensor> inputs)
    {
        private readonly HashSet<string> _used = [];

        public Tensor Pictures(string name)
        {
            var s = Get(name).Shape;
            if (s.Rank != 4) throw new ArgumentException($"{name} is {s}, it must be [N,C,H,W]");
            var shape = new Shape(s[0], s[2], s[3], s[1]);
            return arena.From(WeightMap.FromFile(Get(name).ToF32(), shape), shape);
        }

        public Tensor Floats(string name) => arena.From(Get(name).ToF32(), Get(name).Shape);

        /// <summary>One timestep for each sample, or one for all.</summary>
        public Tensor Timesteps()
        {
            int[] given = Integers("timestep");
            int n = Get("sample").Shape[0];
            if (given.Length == 1) given = [.. Enumerable.Repeat(given[0], n)];
            return arena.From(given, new Shape(given.Length));
        }

        public Tensor Ids(int vocabulary)
        {
            var s = Get("input_ids").Shape;
            if (s.Rank != 2) throw new ArgumentException($"input_ids is {s}, it must be [N,L]");
            return EmbeddingTable.Ids(arena, Integers("input_ids"), s, vocabulary);
        }

        public void RequireAllUsed()
        {
            string[] left = [.. inputs.Keys.Where(k => !_used.Contains(k))];
            if (left.Length > 0) throw new ArgumentException($"{string.Join(", ", left)}: there is no such input, only {string.Join(", ", _used)}");
        }

        private int[] Integers(string name)
        {
            var tensor = Get(name);
            return tensor.Type switch
            {
                DType.I32 => tensor.Values<int>(),
                DType.I64 => [.. tensor.Values<long>().Select(v => checked((int)v))],
                _ => [.. tensor.ToF32().Select(v => v == MathF.Floor(v)
                    ? (int)v
                    : throw new ArgumentException($"{name} has {v}, it must be a whole number"))],
            };
        }

        private HostTensor Get(string name)
        {
            _used.Add(name);
            return inputs.TryGetValue(name, out var tensor)
                ? tensor
                : throw new ArgumentException($"the input '{name}' is missing; given are {string.Join(", ", inputs.Keys)}");
        }
    }
}
