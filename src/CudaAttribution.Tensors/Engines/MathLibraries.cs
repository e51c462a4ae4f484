namespace CudaAttribution.Tensors.Engines;

/// <summary>Chooses the engine by name.</summary>
public static class MathLibraries
{
    /// <summary>
    /// <c>kernels</c>: this project's own, the same bits on every device. <c>onednn</c>: Intel's library, on <c>cpu</c> only. <c>auto</c>:
    /// the project's kernels, which were measured faster than oneDNN on the shapes of the presets (<c>cudattr bench --op conv2d</c>).
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
