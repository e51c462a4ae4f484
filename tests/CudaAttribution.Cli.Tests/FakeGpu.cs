using System.Diagnostics;

namespace CudaAttribution.Cli.Tests;

/// <summary>A GPU that is not there: the fake libraries, compiled on demand, and the environment that makes the program take them.</summary>
internal sealed class FakeGpu : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>
    /// The fake driver, which gives launched kernels to the first of these native libraries of this program that has them; to none where there are none.
    /// </summary>
    public Dictionary<string, string> Driver(params string[] kernels) => new()
    {
        ["CUDATTR_LIBCUDA"] = Compile("fake_libcuda.c", "libcuda.so"),
        ["CUDATTR_NATIVE_DIR"] = LibrariesWithoutCubins(),
        ["LD_LIBRARY_PATH"] = _folder.Root, // where a build with ManagedCuda looks
        ["FAKE_CUDA_KERNELS"] = string.Join(':', kernels.Select(k => Path.Combine(AppContext.BaseDirectory, k))),
    };

    /// <summary>The fake driver with the fake cuBLAS and cuDNN.</summary>
    public Dictionary<string, string> DriverAndLibraries() => new(Driver("libcuattr_cpu_avx2.so"))
    {
        ["CUDATTR_CUBLAS"] = Compile("fake_libcublas.c", "libcublas.so.12"),
        ["CUDATTR_CUDNN"] = Compile("fake_libcudnn.c", "libcudnn.so.9"),
    };

    /// <summary>The program's native libraries without the cubins that may lie beside them, which are for real GPUs.</summary>
    private string LibrariesWithoutCubins()
    {
        string folder = _folder["native"];
        if (Directory.Exists(folder)) return folder;
        Directory.CreateDirectory(folder);
        foreach (string library in Directory.EnumerateFiles(AppContext.BaseDirectory, "libcuattr_*.so"))
        {
            File.CreateSymbolicLink(Path.Combine(folder, Path.GetFileName(library)), library);
        }
        return folder;
    }

    /// <summary>Compiles a source beside the tests, once for each library name; returns the full path.</summary>
    public string Compile(string source, string library, params string[] options)
    {
        string path = _folder[library];
        if (File.Exists(path)) return path;
        string[] flags = ["-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", .. options];
        using var compiler = Process.Start("cc", [.. flags, "-o", path, Path.Combine(AppContext.BaseDirectory, source)]);
        compiler.WaitForExit();
        Assert.That(compiler.ExitCode, Is.Zero, $"{source} could not be compiled (needs gcc)");
        return path;
    }
}
