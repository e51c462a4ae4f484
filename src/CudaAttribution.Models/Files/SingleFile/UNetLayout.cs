using CudaAttribution.Models.UNet;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Models.Files.SingleFile;

/// <summary>What the numbers in a UNet's names depend on.</summary>
/// <param name="Levels">Resolutions.</param>
/// <param name="LayersPerBlock">Residual blocks per resolution on the way down; the way up has one more.</param>
/// <param name="UpAttends">Whether the blocks of the way up attend, coarsest first.</param>
public sealed record UNetLayout(int Levels, int LayersPerBlock, IReadOnlyList<bool> UpAttends)
{
    /// <summary>That of Stable Diffusion v1 and v2.</summary>
    public static UNetLayout StableDiffusion { get; } = new(4, 2, [false, true, true, true]);

    public static UNetLayout Of(UNetConfig config) =>
        new(config.BlockOutChannels.Length, config.LayersPerBlock, [.. config.UpBlockTypes.Select(t => t == UNetConfig.CrossAttnUp)]);

    /// <summary>The layout of a UNet by its names in a single file, without their prefix; null where they are not those of a UNet.</summary>
    public static UNetLayout? OfLdm(IEnumerable<string> names)
    {
        var inputs = new HashSet<int>();
        var outputs = new HashSet<int>();
        var downsamplers = new HashSet<int>();
        var attending = new HashSet<int>();
        foreach (string name in names)
        {
            string[] path = name.Split('.');
            if (path is ["input_blocks", var i, ..]) inputs.Add(NamePath.Index(i));
            if (path is ["input_blocks", var d, "0", "op", ..]) downsamplers.Add(NamePath.Index(d));
            if (path is ["output_blocks", var o, ..]) outputs.Add(NamePath.Index(o));
            if (path is ["output_blocks", var a, "1", "transformer_blocks", ..]) attending.Add(NamePath.Index(a));
        }
        int levels = downsamplers.Count + 1, layers = (inputs.Count - levels) / levels;
        bool regular = layers > 0 && inputs.Count == levels * (layers + 1) && outputs.Count == inputs.Count
            && inputs.Max() == inputs.Count - 1 && outputs.Max() == outputs.Count - 1 && !inputs.Contains(-1) && !outputs.Contains(-1)
            && downsamplers.All(d => d > 0 && d % (layers + 1) == 0);
        return regular ? new UNetLayout(levels, layers, [.. Enumerable.Range(0, levels).Select(u => attending.Contains(u * (layers + 1)))]) : null;
    }

    /// <summary>The layout of a UNet by diffusers' names; null where they are not those of a UNet.</summary>
    public static UNetLayout? OfDiffusers(IReadOnlyDictionary<string, WeightInfo> weights)
    {
        int levels = 0, layers = 0;
        while (weights.ContainsKey($"down_blocks.{levels}.resnets.0.conv1.weight")) levels++;
        while (weights.ContainsKey($"down_blocks.0.resnets.{layers}.conv1.weight")) layers++;
        if (levels == 0 || layers == 0) return null;
        var attends = Enumerable.Range(0, levels).Select(u => weights.ContainsKey($"up_blocks.{u}.attentions.0.norm.weight"));
        return new UNetLayout(levels, layers, [.. attends]);
    }
}
