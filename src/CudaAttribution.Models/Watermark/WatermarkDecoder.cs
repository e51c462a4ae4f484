using CudaAttribution.Models.Layers;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Models.Watermark;

/// <summary>What reads a message: blocks of stride two, the mean over each map, a linear layer to a logit for each bit.</summary>
internal sealed class WatermarkDecoder
{
    private readonly WatermarkBlock[] _blocks;
    private readonly LinearLayer _bits;

    public WatermarkDecoder(WatermarkConfig config, ParameterScope p)
    {
        var widths = config.DecoderWidths;
        _blocks = [.. widths.Select((width, i) => new WatermarkBlock(p["blocks", i], i == 0 ? 3 : widths[i - 1], width, config.Groups, stride: 2))];
        _bits = new LinearLayer(p["bits"], widths[^1], WatermarkConfig.Bits);
    }

    /// <param name="tape">The tape.</param>
    /// <param name="picture"><c>[N,H,W,3]</c> in [−1, 1].</param>
    /// <returns>Logits <c>[N,32]</c>: a bit is 1 where its logit is above 0.</returns>
    public Tensor Forward(Tape tape, Tensor picture)
    {
        using var frame = tape.Frame();
        var h = _blocks[0].Forward(tape, picture);
        foreach (var block in _blocks[1..]) h = tape.Replace(h, block.Forward);
        return frame.Keep(_bits.Forward(tape, tape.Replace(h, Pool.GlobalAvgPool)));
    }
}
