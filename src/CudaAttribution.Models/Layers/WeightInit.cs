using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Models.Layers;

/// <summary>How one parameter starts: with one value, or with random ones about it.</summary>
/// <param name="Center">The value.</param>
/// <param name="Spread">Bound of a uniform distribution, or standard deviation of a normal one; 0 for the value itself.</param>
/// <param name="IsNormal">Which of the two.</param>
internal readonly record struct WeightStart(float Center, float Spread, bool IsNormal = false);

/// <summary>
/// How the parameters of a new model start. Each is a constant, uniform in an interval about zero, or normal, drawn from a Philox stream of its own
/// name, so the same seed gives the same bits on every machine and a layer's start does not depend on the layers before it.
/// </summary>
public sealed class WeightInit
{
    private readonly Dictionary<string, WeightStart> _declared = new(StringComparer.Ordinal);

    internal void Declare(string name, WeightStart start) => _declared.Add(name, start);

    /// <summary>Sets every parameter of a set to its starting values, which the device makes; only issues work. Buffers start as they are made.</summary>
    public void Fill(ParameterSet set, ulong seed)
    {
        foreach (string name in set.Names)
        {
            var (tensor, start) = (set[name], _declared[name]);
            if (start.IsNormal)
            {
                RandomNumbers.Normal(tensor, seed, Stream(name));
                Elementwise.ScaleInto(tensor, start.Spread, tensor);
            }
            else if (start.Spread == 0) InPlace.Constant(tensor, start.Center);
            else RandomNumbers.Uniform(tensor, start.Spread, seed, Stream(name));
        }
    }

    private static ulong Stream(string name) => Philox.Stream("init." + name);
}
