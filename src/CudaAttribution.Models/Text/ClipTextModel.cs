using CudaAttribution.Models.Layers;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Models.Text;

/// <summary>
/// CLIP's text transformer (causal, pre-norm), in any size; parameter names are those of transformers' <c>CLIPTextModel</c>. The output is the last
/// hidden state after the final layer norm. Padding is not masked, as in Stable Diffusion. Methods 3.3.
/// </summary>
public sealed class ClipTextModel
{
    // Uniform with the standard deviation 0.02 of the original's embeddings.
    private const double EmbeddingBound = 0.02 * 1.7320508075688772;

    private readonly Tensor _tokenEmbedding, _positionEmbedding;
    private readonly ClipEncoderLayer[] _layers;
    private readonly LayerNormLayer _finalLayerNorm;

    /// <summary>Registers every parameter of the model; nothing is computed and no value is set.</summary>
    /// <exception cref="ArgumentException">The configuration is inconsistent.</exception>
    public ClipTextModel(ClipTextConfig config, ParameterScope parameters)
    {
        if (config.Problem() is { } problem) throw new ArgumentException(problem, nameof(config));
        Config = config;
        var p = parameters["text_model"];
        _tokenEmbedding = Table("token_embedding", config.VocabSize);
        _positionEmbedding = Table("position_embedding", config.MaxPositionEmbeddings);
        _layers = [.. Enumerable.Range(0, config.NumHiddenLayers).Select(i => new ClipEncoderLayer(p["encoder"]["layers", i], config))];
        _finalLayerNorm = new LayerNormLayer(p["final_layer_norm"], config.HiddenSize, config.LayerNormEps);

        Tensor Table(string name, int rows) => p["embeddings"][name].Uniform("weight", new Shape(rows, config.HiddenSize), EmbeddingBound);
    }

    public ClipTextConfig Config { get; }

    /// <summary>Embeds token numbers.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="ids">Token numbers, I32 <c>[N,L]</c>, L at most <c>max_position_embeddings</c>.</param>
    /// <returns><c>[N,L,hidden_size]</c>.</returns>
    /// <exception cref="ArgumentException">Shape or element type does not fit.</exception>
    public Tensor Forward(Tape tape, Tensor ids)
    {
        if (ids.Type != DType.I32 || ids.Shape.Rank != 2 || ids.Shape[1] > Config.MaxPositionEmbeddings)
        {
            throw new ArgumentException($"token numbers {ids}: I32 [N,L] with L at most {Config.MaxPositionEmbeddings} is expected", nameof(ids));
        }
        using var frame = tape.Frame();
        var x = tape.AddRows(tape.Embedding(ids, _tokenEmbedding), Positions(ids.Shape[1]));
        foreach (var layer in _layers) x = layer.Forward(tape, x);
        return frame.Keep(_finalLayerNorm.Forward(tape, x));
    }

    /// <summary>The first rows of the position table, with their part of its gradient.</summary>
    private Tensor Positions(int length)
    {
        var rows = _positionEmbedding.Rows(0, length);
        (rows.RequiresGrad, rows.Grad) = (_positionEmbedding.RequiresGrad, _positionEmbedding.Grad?.Rows(0, length));
        return rows;
    }
}

/// <summary>x += self-attention(LN x), causal; x += MLP(LN x).</summary>
internal sealed class ClipEncoderLayer
{
    private readonly string _name;
    private readonly LayerNormLayer _layerNorm1, _layerNorm2;
    private readonly LinearLayer _qProj, _kProj, _vProj, _outProj, _fc1, _fc2;
    private readonly int _heads;
    private readonly bool _quick;

    public ClipEncoderLayer(ParameterScope p, ClipTextConfig config)
    {
        int width = config.HiddenSize;
        _name = p.Name;
        _layerNorm1 = new LayerNormLayer(p["layer_norm1"], width, config.LayerNormEps);
        _qProj = new LinearLayer(p["self_attn"]["q_proj"], width, width);
        _kProj = new LinearLayer(p["self_attn"]["k_proj"], width, width);
        _vProj = new LinearLayer(p["self_attn"]["v_proj"], width, width);
        _outProj = new LinearLayer(p["self_attn"]["out_proj"], width, width);
        _layerNorm2 = new LayerNormLayer(p["layer_norm2"], width, config.LayerNormEps);
        _fc1 = new LinearLayer(p["mlp"]["fc1"], width, config.IntermediateSize);
        _fc2 = new LinearLayer(p["mlp"]["fc2"], config.IntermediateSize, width);
        (_heads, _quick) = (config.NumAttentionHeads, config.HiddenAct == ClipTextConfig.QuickGelu);
    }

    public Tensor Forward(Tape tape, Tensor x) => tape.Recompute(() =>
    {
        using var frame = tape.Frame();
        var h = _layerNorm1.Forward(tape, x);
        h = tape.Attention(_qProj.Forward(tape, h), _kProj.Forward(tape, h), _vProj.Forward(tape, h), _heads, causal: true);
        var attended = tape.Add(x, _outProj.Forward(tape, h));
        h = _fc1.Forward(tape, _layerNorm2.Forward(tape, attended));
        h = _quick ? tape.QuickGelu(h) : tape.Gelu(h);
        return frame.Keep(tape.Trace(_name, tape.Add(attended, _fc2.Forward(tape, h))));
    });
}
