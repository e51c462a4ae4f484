using System.Security.Cryptography;
using System.Text.Json.Nodes;
using CudaAttribution.Models.Files;
using CudaAttribution.Models.Layers;
using CudaAttribution.Models.ResNet;
using CudaAttribution.Models.Training;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Models.Tests.ResNet;

/// <summary>A small ResNet-18 that tells stripes from bars from checks.</summary>
internal sealed class ClassifierTask : ITrainingTask, IDisposable
{
    public const int Classes = 3, Side = 16;

    private const int Pictures = 24;

    private static readonly ResNetConfig Config = ResNetConfig.ResNet18 with { Width = 4, Classes = Classes };

    public ClassifierTask(ComputeDevice device)
    {
        Parameters = new ParameterSet(device);
        var init = new WeightInit();
        Network = new ResNetModel(Config, new ParameterScope(Parameters, init));
        Parameters.Freeze();
        init.Fill(Parameters, seed: 3);
    }

    public ResNetModel Network { get; }

    public ParameterSet Parameters { get; }

    public long WeightBytes => Parameters.Bytes;

    public static byte[] Pixels { get; } = MakePixels();

    public static int Label(int picture) => picture % Classes;

    public JsonObject Describe() => new()
    {
        ["start"] = StateHash(),
        ["data"] = Convert.ToHexStringLower(SHA256.HashData(Pixels)),
    };

    /// <summary>SHA-256 of parameters and buffers.</summary>
    public string StateHash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        WeightFile.AddTo(hash, new ModelPart(Parameters, ""));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    public ITrainingStep Prepare(TrainOptions options) => new Step(this, options.BatchSize, owned: null);

    public ITrainingStep Plan(TrainOptions options, ComputeDevice device)
    {
        var planned = new ClassifierTask(device);
        return new Step(planned, options.BatchSize, planned);
    }

    public void Dispose() => Parameters.Dispose();

    private static byte[] MakePixels()
    {
        var random = new PhiloxSequence(5, Philox.Stream("classifier"));
        var pixels = new byte[Pictures * Side * Side * 3];
        for (int i = 0; i < pixels.Length; i++)
        {
            int picture = i / (3 * Side * Side), y = i / (3 * Side) % Side, x = i / 3 % Side;
            bool row = (y + picture) / 2 % 2 == 0, column = (x + picture) / 2 % 2 == 0;
            bool on = Label(picture) switch { 0 => row, 1 => column, _ => row ^ column };
            pixels[i] = (byte)((on ? 150 : 50) + random.Next(50));
        }
        return pixels;
    }

    private sealed class Step : ITrainingStep
    {
        private const int PictureBytes = Side * Side * 3;

        private readonly ClassifierTask _task;
        private readonly IDisposable? _owned;
        private readonly Arena _arena;
        private readonly Tensor _pixels, _labels;

        public Step(ClassifierTask task, int batch, IDisposable? owned)
        {
            (_task, _owned, _arena) = (task, owned, new Arena(task.Parameters.Device));
            _pixels = _arena.New(new Shape(batch, Side, Side, 3), DType.U8);
            _labels = _arena.New(new Shape(batch), DType.I32);
        }

        public ParameterSet Parameters => _task.Parameters;

        public int Items => Pictures;

        public long InputBytes => _pixels.Bytes + _labels.Bytes;

        public void Upload(int step, ReadOnlySpan<int> items)
        {
            var pixels = new byte[_pixels.Bytes];
            for (int i = 0; i < items.Length; i++) Pixels.AsSpan(items[i] * PictureBytes, PictureBytes).CopyTo(pixels.AsSpan(i * PictureBytes));
            _pixels.CopyFrom<byte>(pixels);
            _labels.CopyFrom<int>(items.ToArray().Select(Label).ToArray());
        }

        public Tensor Loss(Tape tape, MicroBatch batch)
        {
            var x = tape.New(new Shape(batch.Count, Side, Side, 3));
            PixelValues.FromPixels(_pixels.Rows(batch.First, batch.Count), x);
            return tape.CrossEntropy(_task.Network.Forward(tape, x, NetworkMode.Training), _labels.Rows(batch.First, batch.Count));
        }

        public void Dispose()
        {
            _arena.Dispose();
            _owned?.Dispose();
        }
    }
}
