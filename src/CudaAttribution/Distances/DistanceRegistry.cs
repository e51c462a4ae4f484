using CudaAttribution.Tensors;

namespace CudaAttribution.Distances;

/// <summary>The reconstruction distances by name.</summary>
public static class DistanceRegistry
{
    private static readonly Dictionary<string, Func<ComputeDevice, IReconstructionDistance>> Known = new(StringComparer.Ordinal)
    {
        [PixelDistance.MetricName] = device => new PixelDistance(device),
        [TileDistance.MetricName] = device => new TileDistance(device),
    };

    public static IEnumerable<string> Names => Known.Keys;

    /// <exception cref="AttributionException">No such metric.</exception>
    public static IReconstructionDistance Create(string name, ComputeDevice device) => Known.TryGetValue(name, out var create)
        ? create(device)
        : throw new AttributionException($"unknown metric '{name}'", $"Use one of: {string.Join(", ", Names)}.");
}
