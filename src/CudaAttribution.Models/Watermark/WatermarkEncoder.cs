using CudaAttribution.Models.Layers;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Models.Watermark;

/// <summary>
/// What writes a message into pictures: three blocks look at the picture, the message is repeated at every pixel, each of its bits times a pattern
/// (<see cref="MessagePatterns"/>), and concatenated; one block and a convolution make the change of the pixels of both.
/// </summary>
internal sealed class WatermarkEncoder
{
    private readonly WatermarkBlock[] _picture;
    private readonly WatermarkBlock _joined;
    private readonly ConvLayer _out;

    public WatermarkEncoder(WatermarkConfig config, ParameterScope p)
    {
        int width = config.EncoderWidth;
        _picture = [.. Enumerable.Range(0, 3).Select(i => new WatermarkBlock(p["picture", i], i == 0 ? 3 : width, width, config.Groups))];
        _joined = new WatermarkBlock(p["joined"], width + WatermarkConfig.Bits, width, config.Groups);
        _out = ConvLayer.Same(p["out"], width, 3);
    }

    /// <summary>The change of the pixels over the amplitude, in (−1, 1).</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="picture"><c>[N,H,W,3]</c> in [−1, 1].</param>
    /// <param name="message"><c>[N,H,W,32]</c>, see <see cref="MessagePatterns.Repeat"/>.</param>
    /// <returns><c>[N,H,W,3]</c>.</returns>
    public Tensor Forward(Tape tape, Tensor picture, Tensor message)
    {
        using var frame = tape.Frame();
        var h = _picture[0].Forward(tape, picture);
        foreach (var block in _picture[1..]) h = tape.Replace(h, block.Forward);
        h = _joined.Forward(tape, tape.Concat(h, message));
        return frame.Keep(tape.Tanh(_out.Forward(tape, h)));
    }
}
