using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.ResNet;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Models.Descriptors;

/// <summary>What a published file of SSCD says without a configuration: its architecture is in the names and shapes of its tensors.</summary>
internal static class PublishedNames
{
    private const string Trunk = "backbone.", Linear = Trunk + "fc.", Stem = Trunk + "conv1.weight";

    /// <summary>Where TorchScript modules keep the linear layer that state dicts in torchvision's form have as <c>backbone.fc</c>.</summary>
    private static readonly string[] OtherLinears = ["embeddings.0.", "embeddings.1.", "embeddings."];

    /// <summary>The tensors under the names of the state dict.</summary>
    /// <exception cref="ModelFileException">They are not those of a ResNet in torchvision's form with a linear layer behind it.</exception>
    public static IWeightSource Of(IWeightSource source)
    {
        string? other = source.Weights.ContainsKey(Linear + "weight")
            ? null
            : OtherLinears.FirstOrDefault(p => source.Weights.ContainsKey(p + "weight") && source.Weights.ContainsKey(p + "bias"));
        if (!source.Weights.ContainsKey(Stem) || (other is null && !source.Weights.ContainsKey(Linear + "weight")))
        {
            throw new ModelFileException(
                $"{source.Path} is no descriptor in torchvision's form: it has no {Stem} and {Linear}weight but {PrintableText.List(source.Weights.Keys, 3)}. "
                + "Take the file that ends in .torchvision.pt, or a folder with config.json");
        }
        if (other is null) return source;
        var view = new WeightView(source.Path, source.Metadata);
        foreach (string name in source.Weights.Keys)
            view.Add(name.StartsWith(other, StringComparison.Ordinal) ? Linear + name[other.Length..] : name, source, name);
        return view;
    }

    /// <summary>The architecture; what loads it compares every tensor with it.</summary>
    /// <exception cref="ModelFileException">It cannot be told.</exception>
    public static SscdConfig Config(IWeightSource named)
    {
        var stem = named.Weights[Stem].Shape;
        var linear = named.Weights[Linear + "weight"].Shape;
        if (stem.Rank != 4 || stem[2] != 7 || linear.Rank != 2)
        {
            throw new ModelFileException(
                $"{named.Path}: {Stem} is {stem} and {Linear}weight {linear}; a file without config.json has a stem of 7x7. Use a folder with config.json");
        }
        var config = SscdConfig.Published with
        {
            Blocks = [.. Enumerable.Range(1, 4).Select(stage => Blocks(named, stage))],
            Bottleneck = named.Weights.ContainsKey(Trunk + "layer1.0.conv3.weight"),
            Width = stem[0],
            Dimensions = linear[0],
            Stem = ResNetStem.Halving,
        };
        return config.Problem() is { } problem ? throw new ModelFileException($"{named.Path}: {problem}") : config;
    }

    private static int Blocks(IWeightSource named, int stage)
    {
        int blocks = 0;
        while (named.Weights.ContainsKey($"{Trunk}layer{stage}.{blocks}.conv1.weight")) blocks++;
        return blocks;
    }
}
