using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Models;

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
            Copy(vae.Encode(tape, Pixels(tape, [i])), _moments.Rows(i, 1));
            store?.Append(_moments.Rows(i, 1));
        }
    }

    /// <summary>Device memory held.</summary>
    public long Bytes => _moments?.Bytes ?? 0;

    /// <summary>x_0 <c>[N,H,W,C]</c> of some pictures.</summary>
    /// <param name="tape">The tape of the step.</param>
    /// <param name="first">Pictures that the run trained on before them; it decides the latents' noise.</param>
    /// <param name="pictures">Their indices.</param>
    public Tensor Batch(Tape tape, long first, ReadOnlySpan<int> pictures)
    {
        if (_moments is null) return Pixels(tape, pictures);
        var s = _moments.Shape;
        var moments = tape.New(new Shape(pictures.Length, s[1], s[2], s[3]));
        for (int i = 0; i < pictures.Length; i++) Copy(_moments.Rows(pictures[i], 1), moments.Rows(i, 1));
        var latent = tape.New(new Shape(pictures.Length, s[1], s[2], s[3] / 2));
        var noise = tape.New(latent.Shape);
        Sampling.Normal(noise, _seed, LatentStream, first * (noise.Count / pictures.Length));
        Sampling.SampleLatent(moments, noise, _factor, latent);
        return latent;
    }

    public void Dispose() => _arena.Dispose();

    private static string Key(DiffusionModel model, TrainingSet data) =>
        $"{model.WeightsHash(ComponentFolder.Vae)} {data.Hash()} {model.Device.Math.Name}";

    private Tensor Pixels(Tape tape, ReadOnlySpan<int> pictures)
    {
        byte[] pixels = new byte[checked(pictures.Length * _data.PictureBytes)];
        for (int i = 0; i < pictures.Length; i++) _data.Picture(pictures[i]).CopyTo(pixels.AsSpan(i * _data.PictureBytes));
        var shape = new Shape(pictures.Length, _data.Height, _data.Width, 3);
        var clean = tape.New(shape);
        Sampling.FromPixels(tape.Arena.From(pixels, shape), clean);
        return clean;
    }

    private static void Copy(Tensor source, Tensor destination) =>
        source.Device.Driver.CopyOnDevice(destination.Pointer, source.Pointer, source.Bytes, source.Device.Stream);
}
