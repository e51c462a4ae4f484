namespace CudaAttribution.Tensors.Engines;

/// <summary>Chooses the engine by name.</summary>
public static class MathLibraries
{
    public const string OneDnn = "onednn";
    public const string CublasCudnn = "cublas-cudnn";

    /// <summary>
    /// <c>kernels</c>: this project's own, the same bits on every device. <c>onednn</c>: Intel's library, on <c>cpu</c> only. <c>cublas-cudnn</c>:
    /// NVIDIA's libraries where they are installed, on <c>cuda:N</c> only. <c>auto</c>: the project's kernels everywhere, because a verdict must not
    /// depend on the machine; oneDNN made a training step of the demo model 1.3 times as fast (<c>cudattr bench --model</c>, AVX-512, two threads)
    /// and is there for who does not need that, and so are NVIDIA's, which no GPU has run yet.
    /// </summary>
    /// <exception cref="ArgumentException">Unknown name, or an engine that this device cannot use.</exception>
    /// <exception cref="Driver.NativeLibraryException">The engine's library is missing or does not fit.</exception>
    public static IMathLibrary Open(ComputeDevice device, string name) => name switch
    {
        "auto" or "kernels" => new KernelMath(device),
        OneDnn when device.Driver.Info.Id == "cpu" => new OneDnnMath(device),
        OneDnn => throw new ArgumentException($"the maths library {OneDnn} runs on cpu only, not on {device.Driver.Info.Id}; use --math kernels"),
        CublasCudnn when device.Driver.Info.Id.StartsWith("cuda:", StringComparison.Ordinal) => new CublasCudnnMath(device),
        CublasCudnn => throw new ArgumentException(
            $"the maths library {CublasCudnn} runs on cuda:N only, not on {device.Driver.Info.Id}; use --math kernels"),
        _ => throw new ArgumentException($"unknown maths library '{name}': use auto, kernels, {OneDnn} or {CublasCudnn}"),
    };

    /// <summary>The one device that has this engine; null for the project's kernels, which every device has.</summary>
    public static string? OnlyOn(string name) => name switch
    {
        OneDnn => "cpu",
        CublasCudnn => "cuda:0",
        _ => null,
    };
}
