using CudaAttribution.Models.Layers;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Models.UNet;

/// <summary>
/// The text-conditional UNet of Stable Diffusion, in any size that <see cref="UNetConfig"/> can say; parameter names are diffusers'. Activations are
/// <c>[N,H,W,C]</c>, convolution weights <c>[O,KH,KW,I]</c>. Methods 3.1.
/// </summary>
public sealed class UNet2DConditionModel
{
    private readonly ConvLayer _convIn, _convOut;
    private readonly LinearLayer _timeLinear1, _timeLinear2;
    private readonly DownBlock2D[] _downBlocks;
    private readonly UNetMidBlock2DCrossAttn _midBlock;
    private readonly UpBlock2D[] _upBlocks;
    private readonly GroupNormLayer _convNormOut;

    /// <summary>Registers every parameter of the model; nothing is computed and no value is set.</summary>
    /// <exception cref="ArgumentException">The configuration is inconsistent.</exception>
    public UNet2DConditionModel(UNetConfig config, ParameterScope parameters)
    {
        if (config.Problem() is { } problem) throw new ArgumentException(problem, nameof(config));
        Config = config;
        int[] channels = config.BlockOutChannels;
        int timeWidth = 4 * channels[0];
        _convIn = ConvLayer.Same(parameters["conv_in"], config.InChannels, channels[0]);
        _timeLinear1 = new LinearLayer(parameters["time_embedding"]["linear_1"], channels[0], timeWidth);
        _timeLinear2 = new LinearLayer(parameters["time_embedding"]["linear_2"], timeWidth, timeWidth);
        _downBlocks = [.. channels.Select((_, level) => new DownBlock2D(parameters["down_blocks", level], level, timeWidth, config))];
        _midBlock = new UNetMidBlock2DCrossAttn(parameters["mid_block"], timeWidth, config);
        var skips = SkipChannels(config);
        _upBlocks = [.. channels.Select((_, stage) => new UpBlock2D(parameters["up_blocks", stage], stage, skips, timeWidth, config))];
        _convNormOut = new GroupNormLayer(parameters["conv_norm_out"], channels[0], config.NormNumGroups, config.NormEps, silu: true);
        _convOut = ConvLayer.Same(parameters["conv_out"], channels[0], config.OutChannels);
    }

    public UNetConfig Config { get; }

    /// <summary>Predicts noise or velocity.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="sample">Noisy samples <c>[N,H,W,in_channels]</c>; H and W divisible by the number of halvings.</param>
    /// <param name="timesteps">Training timestep of each, I32 <c>[N]</c>.</param>
    /// <param name="text">Text embeddings <c>[N,L,cross_attention_dim]</c>.</param>
    /// <returns><c>[N,H,W,out_channels]</c>.</returns>
    /// <exception cref="ArgumentException">A shape or an element type does not fit.</exception>
    public Tensor Forward(Tape tape, Tensor sample, Tensor timesteps, Tensor text)
    {
        Check(sample, timesteps, text);
        using var frame = tape.Frame();
        var time = tape.TimestepEmbedding(timesteps, Config.BlockOutChannels[0]);
        time = _timeLinear2.Forward(tape, tape.Silu(_timeLinear1.Forward(tape, time)));
        time = tape.Silu(time); // What every residual block applies first, once for all of them.
        var x = _convIn.Forward(tape, sample);
        var skips = new Stack<Tensor>();
        skips.Push(x);
        foreach (var block in _downBlocks) x = block.Forward(tape, x, time, text, skips);
        x = _midBlock.Forward(tape, x, time, text);
        foreach (var block in _upBlocks) x = block.Forward(tape, x, time, text, skips);
        return frame.Keep(_convOut.Forward(tape, _convNormOut.Forward(tape, x)));
    }

    /// <summary>
    /// Channels of the feature maps that the way down hands to the way up, in the order pushed: conv_in, each layer, each downsampler.
    /// </summary>
    private static Stack<int> SkipChannels(UNetConfig config)
    {
        var skips = new Stack<int>([config.BlockOutChannels[0]]);
        for (int level = 0; level < config.BlockOutChannels.Length; level++)
        {
            int pushed = config.LayersPerBlock + (level < config.BlockOutChannels.Length - 1 ? 1 : 0);
            for (int i = 0; i < pushed; i++) skips.Push(config.BlockOutChannels[level]);
        }
        return skips;
    }

    private void Check(Tensor sample, Tensor timesteps, Tensor text)
    {
        int divisor = 1 << (_downBlocks.Length - 1);
        if (sample.Shape.Rank != 4 || sample.Shape[3] != Config.InChannels || sample.Shape[1] % divisor != 0 || sample.Shape[2] % divisor != 0)
        {
            throw new ArgumentException(
                $"sample {sample.Shape}: the UNet takes [N,H,W,{Config.InChannels}] with H and W divisible by {divisor}",
                nameof(sample));
        }
        if (timesteps.Type != DType.I32 || timesteps.Shape != new Shape(sample.Shape[0]))
        {
            throw new ArgumentException($"timesteps {timesteps}: I32 [{sample.Shape[0]}] is expected", nameof(timesteps));
        }
        if (text.Shape.Rank != 3 || text.Shape[0] != sample.Shape[0] || text.Shape[2] != Config.CrossAttentionDim)
        {
            throw new ArgumentException($"text {text.Shape}: [{sample.Shape[0]},L,{Config.CrossAttentionDim}] is expected", nameof(text));
        }
    }
}
