namespace CudaAttribution.Tensors.Engines;

/// <summary>Chooses the engine by name.</summary>
public static class MathLibraries
{
    /// <summary>
    /// <c>kernels</c>: this project's own, the same bits on every device. <c>onednn</c>: Intel's library, on <c>cpu</c> only. <c>auto</c>: the
    /// project's kernels everywhere, because a verdict must not depend on the machine; oneDNN made a training step of the demo model 1.3 times as
    /// fast (<c>cudattr bench --model</c>, AVX-512, two threads) and is there for who does not need that.
    /// </summary>
    /// <exception cref="ArgumentException">Unknown name, or an engine that this device cannot use.</exception>
    public static IMathLibrary Open(ComputeDevice device, string name) => name switch
    {
        "auto" or "kernels" => new KernelMath(device),
        "onednn" when device.Driver.Info.Id == "cpu" => new OneDnnMath(device),
        "onednn" => throw new ArgumentException($"the maths library onednn runs on cpu only, not on {device.Driver.Info.Id}; use --math kernels"),
        _ => throw new ArgumentException($"unknown maths library '{name}': use auto, kernels or onednn"),
    };
}
