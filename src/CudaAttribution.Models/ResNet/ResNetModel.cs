using CudaAttribution.Models.Layers;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Models.ResNet;

/// <summary>
/// ResNet (He et al. 2016) with torchvision's architecture and names, so that its state dicts load and ours load there.
/// </summary>
public sealed class ResNetModel
{
    private readonly NormedConv _stem;
    private readonly ResidualBlock[] _blocks;
    private readonly LinearLayer _fc;

    /// <param name="config">The architecture.</param>
    /// <param name="p">Where its parameters and buffers are registered.</param>
    /// <exception cref="ArgumentException">The configuration makes no sense.</exception>
    public ResNetModel(ResNetConfig config, ParameterScope p)
    {
        config.Validate();
        Config = config;
        var (kernel, stride) = config.Stem == ResNetStem.Halving ? (7, 2) : (3, 1);
        _stem = new NormedConv(p, 1, config.InChannels, config.Width, kernel, stride);
        var blocks = new List<ResidualBlock>();
        int channels = config.Width;
        for (int stage = 0; stage < config.Blocks.Count; stage++)
        {
            for (int i = 0; i < config.Blocks[stage]; i++)
            {
                int step = stage > 0 && i == 0 ? 2 : 1;
                blocks.Add(new ResidualBlock(p[$"layer{stage + 1}", i], channels, config.Planes(stage), config.OutChannels(stage), step));
                channels = config.OutChannels(stage);
            }
        }
        _blocks = [.. blocks];
        _fc = new LinearLayer(p["fc"], channels, config.Classes);
    }

    public ResNetConfig Config { get; }

    /// <summary>What the classifier looks at: the mean over each map of the last stage.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="x">Pictures <c>[N,H,W,C]</c>, normalised as the network was trained on.</param>
    /// <param name="mode">Training moves the running statistics.</param>
    /// <returns><c>[N,FeatureWidth]</c>.</returns>
    public Tensor Features(Tape tape, Tensor x, NetworkMode mode) => tape.Replace(Maps(tape, x, mode), Pool.GlobalAvgPool);

    /// <summary>The maps of the last stage <c>[N,H',W',FeatureWidth]</c>; see <see cref="Features"/>.</summary>
    public Tensor Maps(Tape tape, Tensor x, NetworkMode mode)
    {
        var h = tape.Recompute(() => Stem(tape, x, mode));
        foreach (var block in _blocks) h = tape.Replace(h, (t, map) => t.Recompute(() => block.Forward(t, map, mode)));
        return h;
    }

    /// <summary>The last linear layer: logits <c>[N,Classes]</c> of features.</summary>
    public Tensor Classify(Tape tape, Tensor features) => _fc.Forward(tape, features);

    /// <summary>Logits <c>[N,Classes]</c> of pictures; see <see cref="Features"/>.</summary>
    public Tensor Forward(Tape tape, Tensor x, NetworkMode mode) => Classify(tape, Features(tape, x, mode));

    private Tensor Stem(Tape tape, Tensor x, NetworkMode mode)
    {
        using var frame = tape.Frame();
        var h = tape.Replace(_stem.Forward(tape, x, mode), Elementwise.Relu);
        return frame.Keep(Config.Stem == ResNetStem.Halving ? tape.Replace(h, (t, map) => t.MaxPool2d(map, kernel: 3, stride: 2, padding: 1)) : h);
    }
}
