using CudaAttribution.Models.Layers;
using CudaAttribution.Tensors;

namespace CudaAttribution.Models.Vae;

/// <summary>
/// The autoencoder between pictures and latents (Rombach et al. 2022), in any size; parameter names are diffusers'. Activations are
/// <c>[N,H,W,C]</c>. It is run, not trained. Methods 3.2.
/// </summary>
public sealed class AutoencoderKL
{
    private readonly VaeEncoder _encoder;
    private readonly VaeDecoder _decoder;
    private readonly ConvLayer _quantConv, _postQuantConv;

    /// <summary>Registers every parameter of the model; nothing is computed and no value is set.</summary>
    /// <exception cref="ArgumentException">The configuration is inconsistent.</exception>
    public AutoencoderKL(AutoencoderKLConfig config, ParameterScope parameters)
    {
        if (config.Problem() is { } problem) throw new ArgumentException(problem, nameof(config));
        Config = config;
        _encoder = new VaeEncoder(parameters["encoder"], config);
        _decoder = new VaeDecoder(parameters["decoder"], config);
        _quantConv = ConvLayer.Pointwise(parameters["quant_conv"], 2 * config.LatentChannels, 2 * config.LatentChannels);
        _postQuantConv = ConvLayer.Pointwise(parameters["post_quant_conv"], config.LatentChannels, config.LatentChannels);
    }

    public AutoencoderKLConfig Config { get; }

    /// <summary>Encodes pictures.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="image">Pictures <c>[N,H,W,in_channels]</c> in [−1, 1]; H and W divisible by 2 to the number of halvings.</param>
    /// <returns>Moments <c>[N,h,w,2·latent_channels]</c>: the means, then the logarithms of the variances, not scaled and not clamped.</returns>
    /// <exception cref="ArgumentException">A shape does not fit.</exception>
    public Tensor Encode(Tape tape, Tensor image)
    {
        int divisor = 1 << Config.Halvings;
        if (image.Shape.Rank != 4 || image.Shape[3] != Config.InChannels || image.Shape[1] % divisor != 0 || image.Shape[2] % divisor != 0)
        {
            throw new ArgumentException(
                $"image {image.Shape}: the encoder takes [N,H,W,{Config.InChannels}] with H and W divisible by {divisor}", nameof(image));
        }
        using var frame = tape.Frame();
        return frame.Keep(_quantConv.Forward(tape, _encoder.Forward(tape, image)));
    }

    /// <summary>Decodes latents.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="latent">Latents <c>[N,h,w,latent_channels]</c>, not scaled: what the UNet works on over <c>scaling_factor</c>.</param>
    /// <returns>Pictures <c>[N,H,W,out_channels]</c>, about [−1, 1].</returns>
    /// <exception cref="ArgumentException">A shape does not fit.</exception>
    public Tensor Decode(Tape tape, Tensor latent)
    {
        if (latent.Shape.Rank != 4 || latent.Shape[3] != Config.LatentChannels)
        {
            throw new ArgumentException($"latent {latent.Shape}: the decoder takes [N,h,w,{Config.LatentChannels}]", nameof(latent));
        }
        using var frame = tape.Frame();
        return frame.Keep(_decoder.Forward(tape, _postQuantConv.Forward(tape, latent)));
    }
}
