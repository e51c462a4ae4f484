using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;

namespace CudaAttribution.Experiments.Units;

/// <summary>
/// What computes products and convolutions of a unit where it is not the project's kernels. Those give the same bits on every device and are named
/// nowhere; any other engine decides bits together with its version and the device.
/// </summary>
/// <param name="Math">Name of the engine, as <see cref="MathLibraries"/> knows it.</param>
/// <param name="Library">Its <see cref="IMathLibrary.Name"/>, with the version.</param>
/// <param name="Device">Name of the device.</param>
public sealed record UnitEngine(string Math, string Library, string Device)
{
    /// <summary>The engine of a device; null for the project's kernels.</summary>
    public static UnitEngine? Of(ComputeDevice device)
    {
        string name = MathLibraries.NameOf(device.Math);
        return name == MathLibraries.Kernels ? null : new(name, device.Math.Name, device.Driver.Info.Name);
    }

    public override string ToString() => $"{Library} on {Device}";
}
