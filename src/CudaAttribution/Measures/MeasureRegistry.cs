using CudaAttribution.Models.Descriptors;
using CudaAttribution.Runs;
using CudaAttribution.Tensors;

namespace CudaAttribution.Measures;

/// <summary>The reconstruction distances by name.</summary>
public static class MeasureRegistry
{
    private static readonly Dictionary<string, Func<ComputeDevice, IPictureMeasure>> Pixel = new(StringComparer.Ordinal)
    {
        [PixelDistance.MetricName] = device => new PixelDistance(device),
        [TileDistance.MetricName] = device => new TileDistance(device),
    };

    private static readonly Dictionary<string, Func<DescriptorSpace, ComputeDevice, IPictureMeasure>> Described = new(StringComparer.Ordinal)
    {
        [SscdDistance.KindName] = (space, _) => new SscdDistance(space),
        [EmbeddingDistance.KindName] = (space, _) => new EmbeddingDistance(space),
        [MixedDistance.KindName] = (space, device) => new MixedDistance(space, new PixelDistance(device)),
    };

    /// <summary>The measures on pixels.</summary>
    public static IEnumerable<string> PixelNames => Pixel.Keys;

    /// <summary>The measures by a descriptor.</summary>
    public static IEnumerable<string> DescriptorNames => Described.Keys;

    public static IEnumerable<string> Names => [.. PixelNames, .. DescriptorNames];

    /// <exception cref="UserException">No such measure.</exception>
    public static void Check(string name)
    {
        var parsed = MeasureName.Parse(name);
        if (!Pixel.ContainsKey(parsed.Kind) && !Described.ContainsKey(parsed.Kind))
            throw new UserException($"unknown metric '{name}'", $"Use one of: {string.Join(", ", Names)}.");
        if (!parsed.IsWellFormed || (parsed.Descriptor is not null && Pixel.ContainsKey(parsed.Kind)))
            throw new UserException($"'{name}' is no name of a metric", $"Use one of: {string.Join(", ", Names)}; or one that a result names.");
    }

    /// <summary>As <see cref="Check"/>, and refuses a measure by a descriptor: where there is no way to name the descriptor's file.</summary>
    /// <exception cref="UserException">No such measure on pixels.</exception>
    public static void CheckPixel(string name)
    {
        Check(name);
        if (!Pixel.ContainsKey(name)) throw new UserException($"the metric '{name}' needs a descriptor, which cannot be named here", $"Use {string.Join(" or ", PixelNames)}.");
    }

    /// <summary>A measure. One by a descriptor keeps it on the device for as long as the device lives.</summary>
    /// <param name="name">Its kind, or the full name that a result has.</param>
    /// <param name="device">Where it computes.</param>
    /// <param name="descriptor">Folder or file of the descriptor; null for a measure on pixels.</param>
    /// <exception cref="UserException">No such measure, the descriptor is missing or not the one of the name, or is given to a measure on pixels.</exception>
    /// <exception cref="CudaAttribution.Models.Configuration.ModelFileException">The descriptor cannot be opened.</exception>
    public static IPictureMeasure Create(string name, ComputeDevice device, string? descriptor = null)
    {
        Check(name);
        var parsed = MeasureName.Parse(name);
        if (Pixel.TryGetValue(parsed.Kind, out var pixel))
        {
            return descriptor is null
                ? pixel(device)
                : throw new UserException($"the metric {name} has no use for a descriptor", "Leave it out, or take another metric.") { Setting = "descriptor" };
        }
        if (descriptor is null)
        {
            throw new UserException(
                $"the metric {name} compares pictures by a descriptor, and none is given", "Name one: a published file of SSCD, or a trained one.")
            {
                Setting = "descriptor",
            };
        }
        var measure = Described[parsed.Kind](Space(device, descriptor), device);
        return parsed.Descriptor is null || measure.Name == name
            ? measure
            : throw new UserException(
                $"the results are of {name}, the descriptor that is given makes {measure.Name}", "Name the descriptor that they were made with.", descriptor)
            {
                Setting = "descriptor",
            };
    }

    /// <summary>Every measure by one descriptor.</summary>
    public static IReadOnlyList<IPictureMeasure> ByDescriptor(ComputeDevice device, string descriptor)
    {
        var space = Space(device, descriptor);
        return [.. Described.Values.Select(create => create(space, device))];
    }

    private static DescriptorSpace Space(ComputeDevice device, string descriptor) => new(SscdModel.Load(descriptor, device), device);
}
