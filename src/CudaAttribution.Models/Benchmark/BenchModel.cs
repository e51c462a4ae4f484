using CudaAttribution.Images;
using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Files.Sources;
using CudaAttribution.Models.Layers;
using CudaAttribution.Models.Schedulers;
using CudaAttribution.Models.Training;
using CudaAttribution.Models.UNet;
using CudaAttribution.Runs;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Models.Benchmark;

/// <summary>
/// What <see cref="ModelBenchmark"/> times: a UNet with its weights and the text that it is conditioned on. Either a model from files, or a UNet with
/// random weights and random text embeddings, both made on the device, which needs neither files nor a text encoder.
/// </summary>
/// <remarks>Timing training changes the weights.</remarks>
public sealed class BenchModel : IDisposable
{
    private static readonly ulong TextStream = Philox.Stream("bench.text");

    private readonly DiffusionModel? _model;
    private readonly ParameterSet _weights;
    private readonly int _tokens;
    private readonly ulong _seed;

    private BenchModel(DiffusionModel model, string name)
    {
        (_model, Name, Device, UNet, Scheduler) = (model, name, model.Device, model.UNet, model.Scheduler);
        _weights = model.Weights;
    }

    private BenchModel(UNetPreset preset, ParameterSet weights, WeightInit init, ulong seed)
    {
        (Name, Device, Scheduler, _weights, _tokens, _seed) = (preset.Name, weights.Device, preset.Scheduler, weights, preset.Tokens, seed);
        UNet = new UNet2DConditionModel(preset.UNet, new ParameterScope(weights, init)["unet"]);
    }

    public string Name { get; }

    public ComputeDevice Device { get; }

    public UNet2DConditionModel UNet { get; }

    public SchedulerConfig Scheduler { get; }

    /// <summary>Number of parameters that a training step changes, the UNet's unless the text encoder is trained too.</summary>
    public long ParameterCount => _weights.Count;

    /// <summary>Whether it can be trained, and so holds gradients.</summary>
    public bool Trainable => _weights.Trainable;

    /// <summary>The parameters that training changes.</summary>
    /// <exception cref="InvalidOperationException">It was made for sampling.</exception>
    internal ParameterSet Trained => Trainable
        ? _weights
        : throw new InvalidOperationException($"{Name} was opened for sampling: open it for training");

    /// <summary>A model from files.</summary>
    /// <exception cref="ModelFileException">A file is missing, damaged or does not fit.</exception>
    public static BenchModel Load(ModelReference reference, ComputeDevice device, ModelUse use) =>
        new(DiffusionModel.Load(reference, device, use), reference.Path);

    /// <summary>A UNet with random weights.</summary>
    /// <param name="preset">Its architecture.</param>
    /// <param name="device">Where.</param>
    /// <param name="use">What for: sampling, or training the UNet; there is no text encoder to train.</param>
    /// <param name="seed">Seed of weights and text embeddings.</param>
    /// <exception cref="UserException">The configuration is inconsistent.</exception>
    /// <exception cref="ArgumentException">The text encoder is to be trained.</exception>
    public static BenchModel Random(UNetPreset preset, ComputeDevice device, ModelUse use, ulong seed)
    {
        if (use == ModelUse.TrainAll) throw new ArgumentException("a UNet alone has no text encoder that could be trained", nameof(use));
        if (preset.UNet.Problem() is { } problem) throw new UserException($"{preset.Name}: {problem}", "Choose another size.");
        var weights = new ParameterSet(device);
        var init = new WeightInit();
        var model = new BenchModel(preset, weights, init, seed);
        weights.Freeze(trainable: use == ModelUse.TrainUNet);
        init.Fill(weights, seed);
        return model;
    }

    /// <summary>Training steps on random pictures, or on random x_0 where there is no model around the UNet.</summary>
    internal ITrainingStep TrainingStep(TrainOptions options)
    {
        if (_model is null) return new DiffusionStep(UNet, Trained, Scheduler, new RandomInputs(this, options), minSnrGamma: 0, options);
        int side = _model.PictureSize;
        var random = new PhiloxSequence(1, Philox.Stream("bench"));
        RgbImage[] pictures = [.. Enumerable.Range(0, options.BatchSize).Select(_ => RandomPicture())];
        return new DiffusionStep(_model, new TrainingSet(pictures, Prompts(options.BatchSize)), new DiffusionObjective(), options);

        RgbImage RandomPicture()
        {
            var pixels = new byte[3 * side * side];
            for (int i = 0; i < pixels.Length; i++) pixels[i] = (byte)random.NextWord();
            return new RgbImage(side, side, pixels);
        }
    }

    /// <summary>Text embeddings <c>[count,L,D]</c>.</summary>
    internal Tensor Text(Arena arena, int count)
    {
        if (_model is null)
        {
            var random = arena.New(new Shape(count, _tokens, UNet.Config.CrossAttentionDim));
            RandomNumbers.Normal(random, _seed, TextStream);
            return random;
        }
        using var tape = new Tape(Device, record: false);
        var embedded = _model.EncodeText(tape, Prompts(count));
        var text = arena.New(embedded.Shape);
        text.CopyFrom(embedded);
        return text;
    }

    public void Dispose()
    {
        if (_model is not null) _model.Dispose();
        else _weights.Dispose();
    }

    private static string[] Prompts(int count) => [.. Enumerable.Range(0, count).Select(i => $"picture {i}")];
}
