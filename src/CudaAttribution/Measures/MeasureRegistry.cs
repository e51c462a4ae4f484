using CudaAttribution.Runs;
using CudaAttribution.Tensors;

namespace CudaAttribution.Measures;

/// <summary>The reconstruction distances by name.</summary>
public static class MeasureRegistry
{
    private static readonly Dictionary<string, Func<ComputeDevice, IPictureMeasure>> Known = new(StringComparer.Ordinal)
    {
        [PixelDistance.MetricName] = device => new PixelDistance(device),
        [TileDistance.MetricName] = device => new TileDistance(device),
    };

    public static IEnumerable<string> Names => Known.Keys;

    /// <exception cref="UserException">No such metric.</exception>
    public static void Check(string name)
    {
        if (!Known.ContainsKey(name)) throw new UserException($"unknown metric '{name}'", $"Use one of: {string.Join(", ", Names)}.");
    }

    /// <exception cref="UserException">No such metric.</exception>
    public static IPictureMeasure Create(string name, ComputeDevice device)
    {
        Check(name);
        return Known[name](device);
    }
}
