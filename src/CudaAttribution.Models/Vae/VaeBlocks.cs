using CudaAttribution.Models.Layers;
using CudaAttribution.Models.UNet;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Models.Vae;

/// <summary>Picture to the 2·latent_channels maps before <c>quant_conv</c>: residual blocks, halved after each resolution but the last.</summary>
internal sealed class VaeEncoder
{
    private readonly ConvLayer _convIn, _convOut;
    private readonly ResnetBlock2D[][] _resnets;
    private readonly Downsample2D[] _downsamplers;
    private readonly VaeMidBlock _midBlock;
    private readonly GroupNormLayer _convNormOut;

    public VaeEncoder(ParameterScope p, AutoencoderKLConfig config)
    {
        int[] channels = config.BlockOutChannels;
        _convIn = ConvLayer.Same(p["conv_in"], config.InChannels, channels[0]);
        _resnets =
        [
            .. channels.Select((_, level) => VaeBlock.Resnets(
                p["down_blocks", level], channels[Math.Max(0, level - 1)], channels[level], config.LayersPerBlock, config)),
        ];
        // Padded at right and bottom only.
        _downsamplers =
        [
            .. Enumerable.Range(0, config.Halvings).Select(level => new Downsample2D(p["down_blocks", level]["downsamplers", 0], channels[level], 0)),
        ];
        _midBlock = new VaeMidBlock(p["mid_block"], config);
        _convNormOut = VaeBlock.Norm(p["conv_norm_out"], channels[^1], config, silu: true);
        _convOut = ConvLayer.Same(p["conv_out"], channels[^1], 2 * config.LatentChannels);
    }

    public Tensor Forward(Tape tape, Tensor x)
    {
        using var frame = tape.Frame();
        x = _convIn.Forward(tape, x);
        for (int level = 0; level < _resnets.Length; level++)
        {
            x = VaeBlock.Run(tape, x, _resnets[level]);
            if (level < _downsamplers.Length) x = VaeBlock.Resample(tape, x, _downsamplers[level].Forward);
        }
        x = tape.Replace(x, _midBlock.Forward);
        return frame.Keep(_convOut.Forward(tape, tape.Replace(x, _convNormOut.Forward)));
    }
}

/// <summary>Latent after <c>post_quant_conv</c> to picture: residual blocks, doubled after each resolution but the last.</summary>
internal sealed class VaeDecoder
{
    private readonly ConvLayer _convIn, _convOut;
    private readonly ResnetBlock2D[][] _resnets;
    private readonly Upsample2D[] _upsamplers;
    private readonly VaeMidBlock _midBlock;
    private readonly GroupNormLayer _convNormOut;

    public VaeDecoder(ParameterScope p, AutoencoderKLConfig config)
    {
        int[] channels = [.. config.BlockOutChannels.Reverse()];
        _convIn = ConvLayer.Same(p["conv_in"], config.LatentChannels, channels[0]);
        _midBlock = new VaeMidBlock(p["mid_block"], config);
        _resnets =
        [
            .. channels.Select((_, stage) => VaeBlock.Resnets(
                p["up_blocks", stage], channels[Math.Max(0, stage - 1)], channels[stage], config.LayersPerBlock + 1, config)),
        ];
        _upsamplers =
        [
            .. Enumerable.Range(0, config.Halvings).Select(stage => new Upsample2D(p["up_blocks", stage]["upsamplers", 0], channels[stage])),
        ];
        _convNormOut = VaeBlock.Norm(p["conv_norm_out"], channels[^1], config, silu: true);
        _convOut = ConvLayer.Same(p["conv_out"], channels[^1], config.OutChannels);
    }

    public Tensor Forward(Tape tape, Tensor x)
    {
        using var frame = tape.Frame();
        x = tape.Replace(_convIn.Forward(tape, x), _midBlock.Forward);
        for (int stage = 0; stage < _resnets.Length; stage++)
        {
            x = VaeBlock.Run(tape, x, _resnets[stage]);
            if (stage < _upsamplers.Length) x = VaeBlock.Resample(tape, x, _upsamplers[stage].Forward);
        }
        return frame.Keep(_convOut.Forward(tape, tape.Replace(x, _convNormOut.Forward)));
    }
}

/// <summary>Residual block, self-attention over all pixels with one head, residual block.</summary>
internal sealed class VaeMidBlock
{
    private readonly ResnetBlock2D[] _resnets;
    private readonly GroupNormLayer _norm;
    private readonly LinearLayer _toQ, _toK, _toV, _toOut;

    public VaeMidBlock(ParameterScope p, AutoencoderKLConfig config)
    {
        int width = config.BlockOutChannels[^1];
        _resnets = VaeBlock.Resnets(p, width, width, 2, config);
        var attention = p["attentions", 0];
        _norm = VaeBlock.Norm(attention["group_norm"], width, config, silu: false);
        _toQ = new LinearLayer(attention["to_q"], width, width);
        _toK = new LinearLayer(attention["to_k"], width, width);
        _toV = new LinearLayer(attention["to_v"], width, width);
        _toOut = new LinearLayer(attention["to_out", 0], width, width);
    }

    public Tensor Forward(Tape tape, Tensor x)
    {
        using var frame = tape.Frame();
        x = _resnets[0].Forward(tape, x, null);
        int n = x.Shape[0], h = x.Shape[1], w = x.Shape[2], c = x.Shape[3];
        var tokens = _norm.Forward(tape, x).View(n, h * w, c);
        tokens = tape.Attention(_toQ.Forward(tape, tokens), _toK.Forward(tape, tokens), _toV.Forward(tape, tokens), heads: 1);
        x = tape.Add(x, _toOut.Forward(tape, tokens).View(n, h, w, c));
        return frame.Keep(_resnets[1].Forward(tape, x, null));
    }
}

/// <summary>What the parts of the autoencoder have in common.</summary>
internal static class VaeBlock
{
    private const float Eps = 1e-6f;

    public static GroupNormLayer Norm(ParameterScope p, int channels, AutoencoderKLConfig config, bool silu) =>
        new(p, channels, config.NormNumGroups, Eps, silu);

    public static ResnetBlock2D[] Resnets(ParameterScope p, int inChannels, int outChannels, int count, AutoencoderKLConfig config) =>
    [
        .. Enumerable.Range(0, count).Select(i => new ResnetBlock2D(
            p["resnets", i], i == 0 ? inChannels : outChannels, outChannels, timeWidth: null, config.NormNumGroups, Eps)),
    ];

    /// <summary>
    /// The layer's output, with the pool's free blocks given back to the driver: the maps of the next resolution have other sizes, and a picture of
    /// 512 x 512 would hold twice the memory that it uses.
    /// </summary>
    public static Tensor Resample(Tape tape, Tensor x, Func<Tape, Tensor, Tensor> layer)
    {
        var y = tape.Replace(x, layer);
        tape.Device.Pool.Trim();
        return y;
    }

    public static Tensor Run(Tape tape, Tensor x, ResnetBlock2D[] resnets)
    {
        foreach (var resnet in resnets) x = tape.Replace(x, (t, input) => resnet.Forward(t, input, null));
        return x;
    }
}
