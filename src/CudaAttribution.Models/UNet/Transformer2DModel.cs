using CudaAttribution.Models.Layers;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Models.UNet;

/// <summary>
/// A transformer block over the pixels of a feature map: group norm (eps 1e-6), projection in, one <see cref="BasicTransformerBlock"/>, projection
/// out, plus the input. The projections are 1x1 convolutions or matrices by <c>use_linear_projection</c>: the same numbers under another shape.
/// Methods 3.1.
/// </summary>
internal sealed class Transformer2DModel
{
    private const float Eps = 1e-6f;

    private readonly string _name;
    private readonly GroupNormLayer _norm;
    private readonly Func<Tape, Tensor, Tensor> _projIn, _projOut;
    private readonly BasicTransformerBlock _block;

    public Transformer2DModel(ParameterScope p, int channels, int heads, UNetConfig config)
    {
        _name = p.Name;
        _norm = new GroupNormLayer(p["norm"], channels, config.NormNumGroups, Eps, silu: false);
        _projIn = Projection(p["proj_in"], channels, config.UseLinearProjection);
        _block = new BasicTransformerBlock(p["transformer_blocks", 0], channels, config.CrossAttentionDim, heads);
        _projOut = Projection(p["proj_out"], channels, config.UseLinearProjection);
    }

    /// <param name="tape">The tape.</param>
    /// <param name="x">Feature map <c>[N,H,W,C]</c>.</param>
    /// <param name="text">Text embedding <c>[N,S,D]</c>.</param>
    /// <returns><c>[N,H,W,C]</c>.</returns>
    public Tensor Forward(Tape tape, Tensor x, Tensor text)
    {
        using var frame = tape.Frame();
        int n = x.Shape[0], h = x.Shape[1], w = x.Shape[2], c = x.Shape[3];
        var tokens = _projIn(tape, _norm.Forward(tape, x)).View(n, h * w, c);
        tokens = _block.Forward(tape, tokens, text);
        return frame.Keep(tape.Trace(_name, tape.Add(_projOut(tape, tokens.View(n, h, w, c)), x)));
    }

    private static Func<Tape, Tensor, Tensor> Projection(ParameterScope p, int channels, bool linear) =>
        linear ? new LinearLayer(p, channels, channels).Forward : ConvLayer.Pointwise(p, channels, channels).Forward;
}
