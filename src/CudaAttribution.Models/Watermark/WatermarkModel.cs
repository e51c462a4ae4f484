using System.Security.Cryptography;
using System.Text.Json.Nodes;
using CudaAttribution.Images;
using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.Files;
using CudaAttribution.Models.Layers;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Models.Watermark;

/// <summary>
/// Encoder and decoder of a watermark of 32 bits, as in HiDDeN (Zhu, Kaplan, Johnson and Fei-Fei 2018): Baseline 1 of Zhang et al. (2024). A folder
/// with <c>config.json</c> and <c>watermark.safetensors</c>.
/// </summary>
public sealed class WatermarkModel : IDisposable
{
    private const string ConfigFile = "config.json", WeightsFile = "watermark.safetensors", Format = "cudattr-watermark";
    private const int PicturesAtOnce = 32;

    private static readonly Dictionary<string, string[]> Pinned = new(StringComparer.Ordinal) { ["format"] = [$"\"{Format}\""], ["version"] = ["1"] };

    private readonly WatermarkEncoder _encoder;
    private readonly WatermarkDecoder _decoder;
    private readonly MessagePatterns _patterns;

    private WatermarkModel(WatermarkConfig config, ComputeDevice device, bool trainable, WeightInit init)
    {
        config.Validate("the watermark's configuration");
        (Config, Parameters) = (config, new ParameterSet(device));
        var scope = new ParameterScope(Parameters, init);
        _encoder = new WatermarkEncoder(config, scope["encoder"]);
        _decoder = new WatermarkDecoder(config, scope["decoder"]);
        Parameters.Freeze(trainable);
        _patterns = new MessagePatterns(device, config.Size);
    }

    public WatermarkConfig Config { get; }

    /// <summary>Weights of both networks, <c>encoder.…</c> and <c>decoder.…</c>.</summary>
    public ParameterSet Parameters { get; }

    /// <summary>Device memory of weights and patterns.</summary>
    public long Bytes => Parameters.Bytes + _patterns.Bytes;

    /// <summary>A new model, to be trained.</summary>
    /// <exception cref="ModelFileException">The configuration makes no sense.</exception>
    public static WatermarkModel Create(WatermarkConfig config, ComputeDevice device, ulong seed)
    {
        var init = new WeightInit();
        var model = new WatermarkModel(config, device, trainable: true, init);
        init.Fill(model.Parameters, seed);
        return model;
    }

    /// <summary>Loads a model to mark and read with.</summary>
    /// <exception cref="ModelFileException">A file is missing, damaged or not a watermark's.</exception>
    public static WatermarkModel Load(string folder, ComputeDevice device)
    {
        string path = Path.Combine(folder, ConfigFile);
        if (!File.Exists(path))
            throw new ModelFileException($"{path} does not exist: point at the folder of a watermark model, or make one with 'cudattr watermark train'");
        var json = ConfigJson.Load(path, "a watermark's configuration");
        if (json["format"]?.ToString() != Format)
            throw new ModelFileException($"{path} is not a watermark's: its 'format' must be \"{Format}\"; make one with 'cudattr watermark train'");
        var config = ConfigJson.Read<WatermarkConfig>(json, path, Pinned, new HashSet<string>());
        config.Validate(path);
        var model = new WatermarkModel(config, device, trainable: false, new WeightInit());
        try
        {
            StateDict.Load(Path.Combine(folder, WeightsFile), model.Parameters);
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Writes the folder; it appears whole or not at all.</summary>
    /// <param name="folder">Where; may be there if it holds a watermark model or nothing.</param>
    /// <param name="type">Type of the weights: F32, F16 or BF16.</param>
    /// <exception cref="ModelFileException">The folder cannot be written.</exception>
    public void Save(string folder, DType type = DType.F32) => AtomicFolder.Write(
        folder,
        temporary =>
        {
            File.WriteAllText(Path.Combine(temporary, ConfigFile), ConfigJson.Write(Config, new JsonObject { ["format"] = Format, ["version"] = 1 }));
            StateDict.Save(Path.Combine(temporary, WeightsFile), Parameters, type);
        },
        mayReplace: existing => File.Exists(Path.Combine(existing, WeightsFile)));

    /// <summary>SHA-256 of the weights, lower-case hexadecimal.</summary>
    public string WeightsHash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        WeightFile.AddTo(hash, new ModelPart(Parameters, ""));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Marked pictures: x + amplitude · tanh(…), clipped to [0, 1].</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="pictures"><c>[N,size,size,3]</c> in [0, 1].</param>
    /// <param name="messages"><c>[N,32]</c>, 0 or 1.</param>
    /// <param name="amplitude">Most that a value changes by.</param>
    /// <returns><c>[N,size,size,3]</c> in [0, 1], not rounded to 8 bits.</returns>
    public Tensor Mark(Tape tape, Tensor pictures, Tensor messages, double amplitude)
    {
        using var frame = tape.Frame();
        var change = _encoder.Forward(tape, Centred(tape, pictures), _patterns.Repeat(tape, messages));
        return frame.Keep(tape.Clamp(tape.Add(pictures, tape.Scale(change, (float)amplitude)), 0, 1));
    }

    /// <summary>Logits of the bits that are read.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="pictures"><c>[N,size,size,3]</c> in [0, 1].</param>
    /// <returns><c>[N,32]</c>.</returns>
    public Tensor Read(Tape tape, Tensor pictures)
    {
        using var frame = tape.Frame();
        return frame.Keep(_decoder.Forward(tape, Centred(tape, pictures)));
    }

    /// <summary>Pictures with messages in them, at the amplitude of the configuration.</summary>
    /// <param name="pictures">Of the model's size.</param>
    /// <param name="messages">One for each.</param>
    /// <exception cref="ArgumentException">A picture is not of the model's size.</exception>
    public IEnumerable<RgbImage> Mark(IEnumerable<RgbImage> pictures, IEnumerable<WatermarkMessage> messages)
    {
        foreach (var batch in pictures.Zip(messages).Chunk(PicturesAtOnce))
        {
            using var tape = new Tape(Parameters.Device, record: false);
            float[] bits = new float[batch.Length * WatermarkConfig.Bits];
            for (int i = 0; i < batch.Length; i++) batch[i].Second.Write(bits.AsSpan(i * WatermarkConfig.Bits, WatermarkConfig.Bits));
            var marked = Mark(tape, Upload(tape, [.. batch.Select(b => b.First)]), tape.Arena.From(bits, new Shape(batch.Length, WatermarkConfig.Bits)), Config.Amplitude);
            foreach (byte[] pixels in Pixels(tape, marked).Chunk(Config.Size * Config.Size * 3)) yield return new RgbImage(Config.Size, Config.Size, pixels);
        }
    }

    /// <summary>What is read from each picture, marked or not.</summary>
    /// <exception cref="ArgumentException">A picture is not of the model's size.</exception>
    public IEnumerable<WatermarkMessage> Read(IEnumerable<RgbImage> pictures)
    {
        foreach (var batch in pictures.Chunk(PicturesAtOnce))
        {
            using var tape = new Tape(Parameters.Device, record: false);
            float[] logits = Read(tape, Upload(tape, batch)).ToArray<float>();
            for (int i = 0; i < batch.Length; i++)
                yield return WatermarkMessage.FromLogits(logits.AsSpan(i * WatermarkConfig.Bits, WatermarkConfig.Bits));
        }
    }

    public void Dispose()
    {
        _patterns.Dispose();
        Parameters.Dispose();
    }

    /// <summary>Pixels as the values that the networks' pictures have, [0, 1].</summary>
    internal static Tensor FromPixels(Tape tape, Tensor pixels)
    {
        using var frame = tape.Frame();
        var centred = tape.New(pixels.Shape);
        PixelValues.FromPixels(pixels, centred);
        return frame.Keep(tape.Scale(tape.Offset(centred, 1), 0.5f));
    }

    internal static Tensor Centred(Tape tape, Tensor pictures) => tape.Offset(tape.Scale(pictures, 2), -1);

    private static byte[] Pixels(Tape tape, Tensor pictures)
    {
        var pixels = tape.New(pictures.Shape, DType.U8);
        PixelValues.ToPixels(Centred(tape, pictures), pixels);
        return pixels.ToArray<byte>();
    }

    private Tensor Upload(Tape tape, RgbImage[] pictures)
    {
        int size = Config.Size;
        foreach (var picture in pictures)
        {
            if (picture.Width != size || picture.Height != size)
                throw new ArgumentException($"a picture has {picture.Height}x{picture.Width} pixels, the watermark is for {size}x{size}", nameof(pictures));
        }
        byte[] pixels = [.. pictures.SelectMany(p => p.Pixels)];
        return FromPixels(tape, tape.Arena.From(pixels, new Shape(pictures.Length, size, size, 3)));
    }
}
