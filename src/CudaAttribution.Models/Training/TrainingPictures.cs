using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Files.Sources;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Models.Training;

/// <summary>
/// What the UNet is trained on, x_0 of a batch: the pictures, or with an autoencoder a latent drawn anew in every step from what its encoder gives
/// for the picture. The encoder is frozen and runs once for each picture. A batch brings its own pictures to the device.
/// </summary>
internal sealed class TrainingPictures : IDisposable
{
    private static readonly ulong LatentStream = Philox.Stream("train.latent");

    private readonly TrainingSet _data;
    private readonly ulong _seed;
    private readonly float? _factor;
    private readonly EncodedStore? _moments;

    /// <param name="model">Its autoencoder is used, if it has one.</param>
    /// <param name="data">The pictures.</param>
    /// <param name="seed">Seed of the latents' noise.</param>
    /// <param name="folder">Where what is encoded is kept for a run that is taken up again; null for nowhere.</param>
    public TrainingPictures(DiffusionModel model, TrainingSet data, ulong seed, string? folder = null)
    {
        (_data, _seed) = (data, seed);
        (Type, Picture) = (DType.U8, new Shape(data.Height, data.Width, 3));
        if (model.Vae is not { } vae) return;
        int side = model.UNet.Config.SampleSize;
        (Type, Picture) = (DType.F32, new Shape(side, side, 2 * vae.Config.LatentChannels));
        _factor = (float)vae.Config.ScalingFactor;
        if (model.Device.IsPlanning)
        {
            // Each takes what the first takes.
            using var tape = new Tape(model.Device, record: false);
            vae.Encode(tape, Values(tape, tape.New(new Shape(1, data.Height, data.Width, 3), DType.U8)));
            return;
        }
        int bytes = checked((int)Picture.Count * sizeof(float));
        _moments = folder is null ? EncodedStore.Temporary(bytes) : EncodedStore.Open(folder, "pictures", Key(model, data), bytes);
        try
        {
            foreach (byte[] pixels in data.Read(Enumerable.Range(_moments.Count, data.Count - _moments.Count)))
            {
                using var tape = new Tape(model.Device, record: false);
                _moments.Append(vae.Encode(tape, Values(tape, tape.Arena.From(pixels, new Shape(1, data.Height, data.Width, 3)))));
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Type of a picture in a batch: U8 for pixels, F32 for what the encoder gives.</summary>
    public DType Type { get; }

    /// <summary>Shape of a picture in a batch.</summary>
    public Shape Picture { get; }

    /// <summary>What <see cref="Batch"/> takes, on the host.</summary>
    /// <param name="pictures">Numbers of the pictures.</param>
    /// <param name="batch">Their elements, row-major.</param>
    public void Write(ReadOnlySpan<int> pictures, Span<byte> batch)
    {
        int bytes = batch.Length / pictures.Length, next = 0;
        if (_moments is not null) foreach (int picture in pictures) _moments.Read(picture, batch.Slice(next++ * bytes, bytes));
        else foreach (byte[] pixels in _data.Read(pictures.ToArray())) pixels.CopyTo(batch[(next++ * bytes)..]);
    }

    /// <summary>x_0 <c>[N,H,W,C]</c> of some pictures; only issues work.</summary>
    /// <param name="tape">The tape of the step.</param>
    /// <param name="first">Pictures that the run trained on before them; it decides the latents' noise.</param>
    /// <param name="pictures">From <see cref="Write"/>, N of <see cref="Picture"/>.</param>
    public Tensor Batch(Tape tape, long first, Tensor pictures)
    {
        if (_factor is not { } factor) return Values(tape, pictures);
        var s = pictures.Shape;
        var latent = tape.New(new Shape(s[0], s[1], s[2], s[3] / 2));
        var noise = tape.New(latent.Shape);
        RandomNumbers.Normal(noise, _seed, LatentStream, first * (noise.Count / s[0]));
        Latents.Sample(pictures, noise, factor, latent);
        return latent;
    }

    public void Dispose() => _moments?.Dispose();

    private static string Key(DiffusionModel model, TrainingSet data) =>
        $"{model.WeightsHash(ComponentFolder.Vae)} {data.Hash()} {model.Device.Math.Name}";

    private static Tensor Values(Tape tape, Tensor pixels)
    {
        var clean = tape.New(pixels.Shape);
        PixelValues.FromPixels(pixels, clean);
        return clean;
    }
}
