using CudaAttribution.KernelReport.Bench;
using CudaAttribution.KernelReport.Sass;

namespace CudaAttribution.KernelReport.Tests;

/// <summary>Kernels made up for a test.</summary>
internal static class Readings
{
    public static KernelReading Of(string kernel, string loop, Gpu gpu, int blocks = 8, int spilled = 0)
    {
        var main = MainLoop.Of(Sass.Kernel($".L_0:\n{loop}\n@P0 BRA `(.L_0)\nEXIT"), KernelWork.KindOf(kernel) == WorkKind.Integer);
        return new(new KernelResources(gpu.Target, kernel, 256, 32, 0, 0, spilled, blocks, 8 * blocks, 64), main, LoopBound.Of(main.Mix, gpu, KernelWork.KindOf(kernel)));
    }

    public static ModuleReading Module(params (string Kernel, string Loop, int Blocks, int Spilled)[] kernels) => new(
        "ptxas 12.4.131, clang 19.1.7",
        Gpu.All.ToDictionary(
            g => g.Target,
            g => (IReadOnlyDictionary<string, KernelReading>)kernels.ToDictionary(k => k.Kernel, k => Of(k.Kernel, k.Loop, g, k.Blocks, k.Spilled))));
}
