using System.Text.Json.Serialization;
using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.ResNet;

namespace CudaAttribution.Models.Descriptors;

/// <summary>Architecture and input of a copy-detection descriptor (SSCD, Pizzi et al. 2022), as its <c>config.json</c> has them.</summary>
public sealed record SscdConfig
{
    private const string ClassName = "SscdModel";

    private static readonly HashSet<string> Metadata = ["_class_name"];

    /// <summary>The file of a descriptor's folder that holds this.</summary>
    public const string FileName = "config.json";

    /// <summary>Residual blocks of each of the four stages of the trunk.</summary>
    public required IReadOnlyList<int> Blocks { get; init; }

    /// <summary>As <see cref="ResNetConfig"/>.</summary>
    public required bool Bottleneck { get; init; }

    /// <summary>Channels of the stem; every stage doubles them.</summary>
    public required int Width { get; init; }

    [JsonConverter(typeof(JsonStringEnumConverter<ResNetStem>))]
    public required ResNetStem Stem { get; init; }

    /// <summary>Length of a descriptor.</summary>
    public required int Dimensions { get; init; }

    /// <summary>Side that pictures are resized to, each axis on its own.</summary>
    public required int ImageSize { get; init; }

    /// <summary>Subtracted from each channel, in [0, 1].</summary>
    public IReadOnlyList<double> ImageMean { get; init; } = [0.485, 0.456, 0.406];

    /// <summary>Divides each channel, after that.</summary>
    public IReadOnlyList<double> ImageStd { get; init; } = [0.229, 0.224, 0.225];

    /// <summary>The published networks: ResNet-50, 512 numbers, pictures of 320 pixels. 24,557,120 parameters.</summary>
    public static SscdConfig Published { get; } = new()
    {
        Blocks = [3, 4, 6, 3], Bottleneck = true, Width = 64, Stem = ResNetStem.Halving, Dimensions = 512, ImageSize = 320,
    };

    /// <summary>A thin ResNet-18 for pictures of 32 to 64 pixels: 128 numbers, 716,688 parameters.</summary>
    public static SscdConfig Small { get; } = new()
    {
        Blocks = [2, 2, 2, 2], Bottleneck = false, Width = 16, Stem = ResNetStem.Keeping, Dimensions = 128, ImageSize = 32,
    };

    /// <summary>The trunk with its linear layer.</summary>
    internal ResNetConfig Trunk => new(Blocks, Bottleneck) { Width = Width, Stem = Stem, Classes = Dimensions };

    /// <summary>Reads a <c>config.json</c>; <paramref name="source"/> names it in errors.</summary>
    /// <exception cref="ModelFileException">A key is unknown or missing, or a value makes no sense.</exception>
    public static SscdConfig FromJson(string json, string source)
    {
        var config = ConfigJson.Read<SscdConfig>(ConfigJson.Parse(json, source), source, new Dictionary<string, string[]>(), Metadata);
        return config.Problem() is { } problem ? throw new ModelFileException($"{source}: {problem}") : config;
    }

    public string ToJson() => ConfigJson.Write(this, new() { ["_class_name"] = ClassName });

    /// <summary>What makes no sense, as a sentence; null where all does.</summary>
    internal string? Problem()
    {
        const int MostBlocks = 64, MostWidth = 512, MostDimensions = 8192, MostSide = 1024;
        if (Blocks.Count != 4 || Blocks.Any(b => b is < 1 or > MostBlocks)) return $"blocks must be four numbers from 1 to {MostBlocks}";
        if (Width is < 1 or > MostWidth) return $"width is {Width}, it must be 1 to {MostWidth}";
        if (!Enum.IsDefined(Stem)) return $"stem is {(int)Stem}, it must be one of {string.Join(", ", Enum.GetNames<ResNetStem>())}";
        if (Dimensions is < 2 or > MostDimensions) return $"dimensions is {Dimensions}, it must be 2 to {MostDimensions}";
        if (ImageSize is < 8 or > MostSide) return $"image_size is {ImageSize}, it must be 8 to {MostSide}";
        if (ImageMean.Count != 3 || ImageMean.Any(v => !double.IsFinite(v))) return "image_mean must be three numbers";
        return ImageStd.Count != 3 || ImageStd.Any(v => !(v > 0 && double.IsFinite(v))) ? "image_std must be three positive numbers" : null;
    }
}
