using CudaAttribution.Models.Vae;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Models.Diffusion;

/// <summary>
/// Between pictures and x_0, what the UNet works on: pixel values in [−1, 1], or with an autoencoder its latents times the scaling factor. Pictures
/// are coded one at a time, because one of 512 x 512 takes most of a gigabyte.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="tile">Side of the autoencoder's tiles in pixels; null for none.</param>
/// <exception cref="ArgumentException">The tile does not fit the model.</exception>
internal sealed class PictureCoder(DiffusionModel model, int? tile)
{
    private readonly VaeTiling? _tiling = tile is { } pixels ? new VaeTiling(model.Vae, pixels) : null;

    public const int Channels = 3;

    /// <summary>Side of a picture.</summary>
    public int Size => model.PictureSize;

    private int PictureLength => checked(Size * Size * Channels);

    /// <summary>Shape of <paramref name="count"/> x.</summary>
    public Shape Shape(int count) => new(count, model.UNet.Config.SampleSize, model.UNet.Config.SampleSize, model.UNet.Config.InChannels);

    /// <summary>x_0 of pictures.</summary>
    /// <param name="arena">Owner of the result.</param>
    /// <param name="pictures"><c>[H,W,3]</c> each, of the model's size; the same array next to itself is encoded once.</param>
    /// <param name="noise">
    /// Fills a tensor with the noise of a latent drawn from the encoder's posterior; null takes the posterior's mean. Pixels need none.
    /// </param>
    /// <returns><c>[N,h,w,C]</c>.</returns>
    public Tensor Encode(Arena arena, IReadOnlyList<byte[]> pictures, Action<Tensor>? noise)
    {
        var x = arena.New(Shape(pictures.Count));
        if (model.Vae is null)
        {
            for (int i = 0; i < pictures.Count; i++) Pixels(arena, pictures[i], x.Rows(i, 1));
            return x;
        }
        using var tape = new Tape(model.Device, record: false);
        var moments = tape.New(new Shape(x.Shape[0], x.Shape[1], x.Shape[2], 2 * x.Shape[3]));
        for (int i = 0; i < pictures.Count; i++)
        {
            var source = i > 0 && ReferenceEquals(pictures[i], pictures[i - 1]) ? moments.Rows(i - 1, 1) : null;
            using var frame = tape.Frame();
            moments.Rows(i, 1).CopyFrom(source ?? Moments(tape, pictures[i]));
        }
        Forget();
        var drawn = noise is null ? null : tape.New(x.Shape);
        if (drawn is not null) noise!(drawn);
        Latents.Sample(moments, drawn, (float)model.Vae.Config.ScalingFactor, x);
        return x;
    }

    /// <summary>The pictures of x_0.</summary>
    /// <param name="x"><c>[N,h,w,C]</c>.</param>
    /// <param name="prompts">N prompts, for messages.</param>
    /// <exception cref="NotFiniteNumberException">A value is NaN or infinite.</exception>
    public SampledPicture[] Decode(Tensor x, IReadOnlyList<string> prompts)
    {
        var pictures = new SampledPicture[x.Shape[0]];
        for (int i = 0; i < pictures.Length; i++)
        {
            using var tape = new Tape(model.Device, record: false);
            var image = model.Decode(tape, x.Rows(i, 1), _tiling);
            var bytes = tape.New(image.Shape, DType.U8);
            PixelValues.ToPixels(image, bytes);
            float[] values = image.ToArray<float>();
            RequireFinite(values, prompts[i]);
            pictures[i] = new SampledPicture(Size, values, bytes.ToArray<byte>());
        }
        Forget();
        return pictures;
    }

    /// <summary>The autoencoder's blocks are of other sizes than the UNet's: kept, they would only take memory.</summary>
    private void Forget()
    {
        if (model.Vae is not null) model.Device.Pool.Trim();
    }

    private Tensor Moments(Tape tape, byte[] picture)
    {
        var pixels = tape.New(new Shape(1, Size, Size, Channels));
        Pixels(tape.Arena, picture, pixels);
        return _tiling?.Encode(tape, pixels) ?? model.Vae!.Encode(tape, pixels);
    }

    private void Pixels(Arena arena, byte[] picture, Tensor destination) =>
        PixelValues.FromPixels(arena.From(picture, destination.Shape), destination);

    /// <exception cref="ArgumentException">The picture has another size than the model's.</exception>
    public void Check(byte[] picture)
    {
        if (picture.Length != PictureLength)
            throw new ArgumentException($"the picture has {picture.Length} bytes, the model's have {Size} x {Size} pixels: {PictureLength} bytes");
    }

    private static void RequireFinite(float[] values, string prompt)
    {
        foreach (float value in values)
        {
            if (!float.IsFinite(value))
            {
                throw new NotFiniteNumberException(
                    $"the model gave {value} for the prompt '{prompt}': its weights are broken; train it with a smaller learning rate");
            }
        }
    }
}
