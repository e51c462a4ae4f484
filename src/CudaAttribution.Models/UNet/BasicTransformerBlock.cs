using CudaAttribution.Models.Layers;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Models.UNet;

/// <summary>
/// Multi-head attention of queries from <c>[N,L,C]</c> over keys and values from a context <c>[N,S,D]</c>; no bias but at the output.
/// </summary>
internal sealed class CrossAttention
{
    private readonly LinearLayer _toQ, _toK, _toV, _toOut;
    private readonly int _heads;

    public CrossAttention(ParameterScope p, int width, int contextWidth, int heads)
    {
        _toQ = new LinearLayer(p["to_q"], width, width, bias: false, adaptable: true);
        _toK = new LinearLayer(p["to_k"], contextWidth, width, bias: false, adaptable: true);
        _toV = new LinearLayer(p["to_v"], contextWidth, width, bias: false, adaptable: true);
        _toOut = new LinearLayer(p["to_out", 0], width, width, adaptable: true);
        _heads = heads;
    }

    public Tensor Forward(Tape tape, Tensor x, Tensor context)
    {
        var attended = tape.Attention(_toQ.Forward(tape, x), _toK.Forward(tape, context), _toV.Forward(tape, context), _heads);
        return _toOut.Forward(tape, attended);
    }
}

/// <summary>
/// x += self-attention(LN x); x += cross-attention(LN x, text); x += feed-forward(LN x), the feed-forward being GEGLU with four times the width.
/// Layer norms have eps 1e-5. Methods 3.1.
/// </summary>
internal sealed class BasicTransformerBlock
{
    private const float Eps = 1e-5f;

    private readonly LayerNormLayer _norm1, _norm2, _norm3;
    private readonly CrossAttention _attn1, _attn2;
    private readonly LinearLayer _gate, _project;

    public BasicTransformerBlock(ParameterScope p, int width, int contextWidth, int heads)
    {
        _norm1 = new LayerNormLayer(p["norm1"], width, Eps);
        _attn1 = new CrossAttention(p["attn1"], width, width, heads);
        _norm2 = new LayerNormLayer(p["norm2"], width, Eps);
        _attn2 = new CrossAttention(p["attn2"], width, contextWidth, heads);
        _norm3 = new LayerNormLayer(p["norm3"], width, Eps);
        _gate = new LinearLayer(p["ff"]["net", 0]["proj"], width, 8 * width);
        _project = new LinearLayer(p["ff"]["net", 2], 4 * width, width);
    }

    /// <param name="tape">The tape.</param>
    /// <param name="x">Tokens <c>[N,L,C]</c>.</param>
    /// <param name="text">Text embedding <c>[N,S,D]</c>.</param>
    /// <returns><c>[N,L,C]</c>.</returns>
    public Tensor Forward(Tape tape, Tensor x, Tensor text)
    {
        using var frame = tape.Frame();
        var h = _norm1.Forward(tape, x);
        x = tape.Add(x, _attn1.Forward(tape, h, h));
        x = tape.Add(x, _attn2.Forward(tape, _norm2.Forward(tape, x), text));
        h = tape.Geglu(_gate.Forward(tape, _norm3.Forward(tape, x)));
        return frame.Keep(tape.Add(x, _project.Forward(tape, h)));
    }
}
