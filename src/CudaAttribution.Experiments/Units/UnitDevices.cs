using CudaAttribution.Runs;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;

namespace CudaAttribution.Experiments.Units;

/// <summary>The devices that the units of a process compute on: each is opened when the first unit needs it, and stays open.</summary>
/// <param name="open">Opens a device with the engine of this name (<see cref="MathLibraries"/>).</param>
public sealed class UnitDevices(Func<string, ComputeDevice> open) : IDisposable
{
    private readonly Dictionary<string, ComputeDevice> _opened = new(StringComparer.Ordinal);

    /// <summary>The device of a unit.</summary>
    /// <param name="engine">What the unit was planned for; null for the project's kernels.</param>
    /// <exception cref="UserException">There is another version of the engine here, or another device.</exception>
    public ComputeDevice Of(UnitEngine? engine)
    {
        string math = engine?.Math ?? MathLibraries.Kernels;
        if (!_opened.TryGetValue(math, out var device)) _opened.Add(math, device = open(math));
        return UnitEngine.Of(device) is var found && found == engine
            ? device
            : throw new UserException(
                $"this unit was planned for {Name(engine)}, here is {Name(found)}", "Compute it where it was planned, or plan it anew here.");
    }

    public void Dispose()
    {
        foreach (var device in _opened.Values) device.Dispose();
    }

    private static string Name(UnitEngine? engine) => engine?.ToString() ?? "the project's kernels";
}
