using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Files.Sources;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Models.Training;

/// <summary>
/// What the UNet is trained on, x_0 of a batch: the pictures, or with an autoencoder a latent drawn anew in every step from what its encoder gives
/// for the picture. The encoder is frozen and runs once for each picture.
/// </summary>
internal sealed class TrainingPictures : IDisposable
{
    private static readonly ulong LatentStream = Philox.Stream("train.latent");

    private readonly TrainingSet _data;
    private readonly Arena _arena;
    private readonly Tensor? _moments;
    private readonly ulong _seed;
    private readonly float _factor;

    /// <param name="model">Its autoencoder is used, if it has one.</param>
    /// <param name="data">The pictures.</param>
    /// <param name="seed">Seed of the latents' noise.</param>
    /// <param name="folder">Where what is encoded is kept for a run that is taken up again; null for nowhere.</param>
    public TrainingPictures(DiffusionModel model, TrainingSet data, ulong seed, string? folder = null)
    {
        (_data, _seed, _arena) = (data, seed, new Arena(model.Device));
        if (model.Vae is not { } vae) return;
        _factor = (float)vae.Config.ScalingFactor;
        int side = model.UNet.Config.SampleSize, first = 0;
        _moments = _arena.New(new Shape(data.Count, side, side, 2 * vae.Config.LatentChannels));
        using var store = folder is null ? null : EncodedStore.Open(folder, "pictures", Key(model, data), _moments, out first);
        for (int i = first; i < data.Count; i++)
        {
            using var tape = new Tape(model.Device, record: false);
            _moments.Rows(i, 1).CopyFrom(vae.Encode(tape, Pixels(tape, i)));
            store?.Append(_moments.Rows(i, 1));
        }
    }

    /// <summary>Device memory held.</summary>
    public long Bytes => _moments?.Bytes ?? 0;

    /// <summary>Whether pictures were encoded and lie on the device, so that a batch is said by their numbers; else by their pixels.</summary>
    public bool AreEncoded => _moments is not null;

    /// <summary>Pixels of some pictures, row-major <c>[N,H,W,3]</c>, on the host.</summary>
    public void Write(ReadOnlySpan<int> pictures, Span<byte> pixels)
    {
        for (int i = 0; i < pictures.Length; i++) _data.Picture(pictures[i]).CopyTo(pixels[(i * _data.PictureBytes)..]);
    }

    /// <summary>x_0 <c>[N,H,W,C]</c> of some pictures; only issues work.</summary>
    /// <param name="tape">The tape of the step.</param>
    /// <param name="first">Pictures that the run trained on before them; it decides the latents' noise.</param>
    /// <param name="pictures">Numbers of the pictures, I32 <c>[N]</c>, or where they are not encoded their pixels, U8 <c>[N,H,W,3]</c>.</param>
    public Tensor Batch(Tape tape, long first, Tensor pictures)
    {
        if (_moments is null) return Values(tape, pictures);
        var s = _moments.Shape;
        int n = pictures.Shape[0];
        var moments = tape.Embedding(pictures, _moments.View(s[0], s[1] * s[2] * s[3])).View(n, s[1], s[2], s[3]);
        var latent = tape.New(new Shape(n, s[1], s[2], s[3] / 2));
        var noise = tape.New(latent.Shape);
        RandomNumbers.Normal(noise, _seed, LatentStream, first * (noise.Count / n));
        Latents.Sample(moments, noise, _factor, latent);
        return latent;
    }

    public void Dispose() => _arena.Dispose();

    private static string Key(DiffusionModel model, TrainingSet data) =>
        $"{model.WeightsHash(ComponentFolder.Vae)} {data.Hash()} {model.Device.Math.Name}";

    private Tensor Pixels(Tape tape, int picture) =>
        Values(tape, tape.Arena.From(_data.Picture(picture).ToArray(), new Shape(1, _data.Height, _data.Width, 3)));

    private static Tensor Values(Tape tape, Tensor pixels)
    {
        var clean = tape.New(pixels.Shape);
        PixelValues.FromPixels(pixels, clean);
        return clean;
    }
}
