using CudaAttribution.Tensors;

namespace CudaAttribution.Models;

/// <summary>
/// How the parameters of a new model start. Each is a constant or uniform in an interval about zero, drawn from a Philox stream of its own name, so
/// the same seed gives the same bits on every machine and a layer's start does not depend on the layers before it.
/// </summary>
public sealed class WeightInit
{
    private readonly Dictionary<string, (float Center, float Bound)> _declared = new(StringComparer.Ordinal);

    internal void Declare(string name, float center, float bound) => _declared.Add(name, (center, bound));

    /// <summary>The starting values of one parameter of <paramref name="count"/> elements.</summary>
    public float[] Values(string name, long count, ulong seed)
    {
        var (center, bound) = _declared[name];
        float[] values = new float[count];
        if (bound == 0)
        {
            values.AsSpan().Fill(center);
            return values;
        }
        ulong stream = Philox.Stream("init." + name);
        for (long i = 0; i < count; i += 4)
        {
            var (x, y, z, w) = Philox.Block((ulong)(i / 4), stream, seed);
            ReadOnlySpan<uint> words = [x, y, z, w];
            for (int j = 0; j < 4 && i + j < count; j++) values[i + j] = bound * ((words[j] >> 8) * (2f / (1 << 24)) - 1f);
        }
        return values;
    }
}
