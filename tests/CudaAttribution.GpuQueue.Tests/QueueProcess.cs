using System.Diagnostics;

namespace CudaAttribution.GpuQueue.Tests;

/// <summary>The program as a process of its own, on the fake driver that hands launches to the host's kernels.</summary>
internal static class QueueProcess
{
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "gpu-queue.dll");

    /// <summary>Environment with a GPU whose kernels run on the processor.</summary>
    /// <param name="folder">Gets the compiled driver, once.</param>
    /// <param name="kernels">Libraries whose kernels are run; none for a GPU whose launches do nothing.</param>
    public static Dictionary<string, string> Gpu(TemporaryFolder folder, params string[] kernels)
    {
        string driver = folder["libcuda.so"];
        if (!File.Exists(driver))
        {
            string[] flags = ["-O2", "-shared", "-fPIC", "-o", driver, Path.Combine(AppContext.BaseDirectory, "fake_libcuda.c")];
            using var compiler = Process.Start("cc", flags);
            compiler.WaitForExit();
            Assert.That(compiler.ExitCode, Is.Zero, "fake_libcuda.c could not be compiled (needs gcc)");
        }
        // The native libraries without the cubins that may lie beside them, which are for real GPUs.
        string native = folder["native"];
        Directory.CreateDirectory(native);
        foreach (string library in Directory.EnumerateFiles(AppContext.BaseDirectory, "libcuattr_*.so"))
        {
            string link = Path.Combine(native, Path.GetFileName(library));
            if (!File.Exists(link)) File.CreateSymbolicLink(link, library);
        }
        return new Dictionary<string, string>
        {
            ["CUDATTR_LIBCUDA"] = driver,
            ["CUDATTR_NATIVE_DIR"] = native,
            ["LD_LIBRARY_PATH"] = folder.Root, // where a build with ManagedCuda looks
            ["FAKE_CUDA_KERNELS"] = string.Join(':', kernels.Select(k => Path.Combine(AppContext.BaseDirectory, k))),
        };
    }

    public static (int ExitCode, string Output, string Error) Run(IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        using var process = Start(environment, arguments);
        var output = process.StandardOutput.ReadToEndAsync();
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output.Result, error);
    }

    public static Process Start(IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Program, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        return Process.Start(start)!;
    }
}
