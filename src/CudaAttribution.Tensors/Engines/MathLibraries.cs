using CudaAttribution.Driver;
using CudaAttribution.Tensors.Engines.Nvidia;

namespace CudaAttribution.Tensors.Engines;

/// <summary>An engine of matrix products and convolutions.</summary>
/// <param name="Name">The name.</param>
/// <param name="Devices">Kinds of device that have it: <c>cpu</c>, <c>simt</c>, <c>cuda:N</c>.</param>
/// <param name="Precision">What it multiplies and adds in; the arrays are F32 with every engine.</param>
/// <param name="Description">Whose it is and what it promises.</param>
public sealed record MathEngine(string Name, IReadOnlyList<string> Devices, string Precision, string Description)
{
    /// <summary>Whether a device has it, by the device's id.</summary>
    public bool RunsOn(string device) => Devices.Contains(device.StartsWith("cuda:", StringComparison.Ordinal) ? "cuda:N" : device);
}

/// <summary>Chooses the engine by name.</summary>
public static class MathLibraries
{
    public const string Kernels = "kernels";
    public const string OneDnn = "onednn";
    public const string CublasCudnn = "cublas-cudnn";
    public const string Bf16 = "bf16";

    /// <summary>
    /// Every engine. <c>auto</c> stands for <c>kernels</c> everywhere, because a verdict must not depend on the machine; oneDNN made a training step
    /// of the demo model 1.3 times as fast (AVX-512, two threads) and is there for who does not need that, and so are
    /// NVIDIA's and BF16, which no GPU has run yet.
    /// </summary>
    public static IReadOnlyList<MathEngine> All { get; } =
    [
        new(Kernels, ["cpu", "simt", "cuda:N"], "F32", "this project's kernels: the same bits on every device (auto)"),
        new(OneDnn, ["cpu"], "F32", "Intel's library; other bits"),
        new(CublasCudnn, ["cuda:N"], "F32", "NVIDIA's libraries, where they are installed; other bits"),
        new(Bf16, ["simt", "cuda:N"], "BF16 operands, F32 sums", "this project's tensor-core kernels (emulated on simt); other bits"),
    ];

    /// <summary>Opens an engine.</summary>
    /// <exception cref="NativeLibraryException">There is no such engine, this device cannot use it, or its library is missing or does not fit.</exception>
    public static IMathLibrary Open(ComputeDevice device, string name)
    {
        var engine = Find(name);
        string id = device.Driver.Info.Id;
        if (!engine.RunsOn(id))
        {
            string why = name == Bf16 ? ", since a block of cpu is one thread and tensor cores multiply with the 32 of a warp" : "";
            string where = string.Join(" and ", engine.Devices);
            throw new NativeLibraryException($"the maths library {name} runs on {where} only, not on {id}{why}; use {Kernels}");
        }
        return engine.Name switch
        {
            Kernels => new KernelMath(device),
            OneDnn => new OneDnnMath(device),
            CublasCudnn => new CublasCudnnMath(device),
            Bf16 => new Bf16Math(device),
            _ => throw new InvalidOperationException($"the maths library {name} has no constructor here"),
        };
    }

    /// <summary>The engine that a library is, by the name that <see cref="Open"/> takes.</summary>
    public static string NameOf(IMathLibrary library) => library switch
    {
        KernelMath => Kernels,
        OneDnnMath => OneDnn,
        CublasCudnnMath => CublasCudnn,
        Bf16Math => Bf16,
        _ => throw new ArgumentException($"'{library.Name}' is none of the engines", nameof(library)),
    };

    /// <summary>The engine of this name.</summary>
    /// <exception cref="NativeLibraryException">There is none.</exception>
    public static MathEngine Find(string name) => All.FirstOrDefault(e => e.Name == (name == "auto" ? Kernels : name))
        ?? throw new NativeLibraryException($"unknown maths library '{name}': use auto, {string.Join(", ", All.Select(e => e.Name))}");
}
