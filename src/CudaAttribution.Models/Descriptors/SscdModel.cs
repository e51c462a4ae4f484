using System.Security.Cryptography;
using System.Text;
using CudaAttribution.Images;
using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.Files;
using CudaAttribution.Models.Layers;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Models.Descriptors;

/// <summary>A copy-detection descriptor (SSCD, Pizzi et al. 2022) on a device: pictures to vectors of unit length, near for copies of one picture.</summary>
public sealed class SscdModel : IDisposable
{
    private const string WeightsFile = ComponentWeights.Transformers + ".safetensors";

    /// <summary>Pictures of 320 pixels that are computed together: 8, whose largest maps take 52 MB each.</summary>
    private const int BatchPixels = 1 << 20, MaxBatch = 256;

    private readonly SscdNetwork _network;
    private readonly PictureInput _input;

    private SscdModel(SscdConfig config, ComputeDevice device, WeightInit init, bool trainable)
    {
        Config = config;
        Parameters = new ParameterSet(device);
        _network = new SscdNetwork(config, new ParameterScope(Parameters, init));
        _input = new PictureInput(config);
        Parameters.Freeze(trainable);
    }

    public SscdConfig Config { get; }

    /// <summary>Number of parameters, buffers not counted.</summary>
    public long ParameterCount => Parameters.Count;

    internal ParameterSet Parameters { get; }

    /// <summary>A new descriptor with random weights, to be trained.</summary>
    /// <exception cref="ArgumentException">The configuration makes no sense.</exception>
    public static SscdModel Create(SscdConfig config, ComputeDevice device, ulong seed)
    {
        if (config.Problem() is { } problem) throw new ArgumentException(problem, nameof(config));
        var init = new WeightInit();
        var model = new SscdModel(config, device, init, trainable: true);
        init.Fill(model.Parameters, seed);
        return model;
    }

    /// <summary>
    /// Opens a descriptor: a folder with <c>config.json</c> and weights, or a published file (<c>.torchvision.pt</c>, <c>.torchscript.pt</c>), whose
    /// architecture is read off its tensors.
    /// </summary>
    /// <exception cref="ModelFileException">It is neither, is damaged, or does not fit.</exception>
    public static SscdModel Load(string path, ComputeDevice device)
    {
        try
        {
            bool folder = Directory.Exists(path);
            using var source = WeightFiles.Open(folder ? ComponentWeights.Find(path, ComponentWeights.Transformers) : path);
            string config = Path.Combine(path, SscdConfig.FileName);
            return Load(source, folder ? SscdConfig.FromJson(Text(config), config) : null, device);
        }
        catch (WeightFileException e)
        {
            throw new ModelFileException($"the descriptor cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Writes a folder that <see cref="Load(string, ComputeDevice)"/> opens; it appears whole or not at all.</summary>
    /// <param name="folder">Where to; it must be new or empty.</param>
    /// <param name="type">Type of the weights: F32, F16 or BF16.</param>
    /// <exception cref="ModelFileException">It cannot be written.</exception>
    public void Save(string folder, DType type = DType.F32) => AtomicFolder.Write(
        folder,
        temporary =>
        {
            File.WriteAllText(Path.Combine(temporary, SscdConfig.FileName), Config.ToJson());
            StateDict.Save(Path.Combine(temporary, WeightsFile), Parameters, type);
        },
        mayReplace: _ => false);

    /// <summary>SHA-256 over configuration, names, shapes and values, 64 hexadecimal digits: who the descriptor is, whatever file it is in.</summary>
    public string Identity()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(Config.ToJson()));
        WeightFile.AddTo(hash, new ModelPart(Parameters, ""));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>The descriptors of pictures, <c>Config.Dimensions</c> numbers each, one after the other. A picture's depends on no other picture.</summary>
    public float[] Embed(IReadOnlyList<RgbImage> pictures)
    {
        var device = Parameters.Device;
        int side = Config.ImageSize, most = Math.Clamp(BatchPixels / (side * side), 1, MaxBatch);
        var vectors = new float[pictures.Count * Config.Dimensions];
        for (int first = 0; first < pictures.Count; first += most)
        {
            int count = Math.Min(most, pictures.Count - first);
            var values = new float[count * _input.Length];
            for (int i = 0; i < count; i++) _input.Write(pictures[first + i], values.AsSpan(i * _input.Length, _input.Length));
            using var tape = new Tape(device, record: false);
            var rows = _network.Forward(tape, tape.Arena.From(values, new Shape(count, side, side, 3)), NetworkMode.Evaluation);
            rows.ToArray<float>().CopyTo(vectors, first * Config.Dimensions);
        }
        return vectors;
    }

    public void Dispose() => Parameters.Dispose();

    /// <summary>The same architecture without values on a device that only accounts for memory.</summary>
    internal SscdModel Planned(ComputeDevice device) => new(Config, device, new WeightInit(), trainable: true);

    internal Tensor Forward(Tape tape, Tensor pictures, NetworkMode mode) => _network.Forward(tape, pictures, mode);

    private static SscdModel Load(IWeightSource source, SscdConfig? config, ComputeDevice device)
    {
        IWeightSource named = config is null ? PublishedNames.Of(source) : source;
        var model = new SscdModel(config ?? PublishedNames.Config(named), device, new WeightInit(), trainable: false);
        try
        {
            WeightFile.Load(named, new ModelPart(model.Parameters, ""));
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    private static string Text(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ModelFileException($"{path} cannot be read: it says how the descriptor is built: {e.Message}", e);
        }
    }
}
