namespace CudaAttribution.Driver.Libraries;

/// <summary>Where an optional library of NVIDIA's was found, or where it was looked for in vain.</summary>
/// <param name="Name"><c>cuBLAS</c> or <c>cuDNN</c>.</param>
/// <param name="Path">Full path of the newest major version that was found; null where none was.</param>
/// <param name="Tried">Each path that was looked at, up to the one found.</param>
public sealed record VendorLibrary(string Name, string? Path, IReadOnlyList<string> Tried);

/// <summary>
/// Looks for cuBLAS (13, 12) and cuDNN (9) where they usually are: the folder or file named by <c>CUDATTR_CUBLAS</c> / <c>CUDATTR_CUDNN</c> (nowhere
/// else then), the loader's path, CUDA's folders, the system's library folders, and the folders of PyTorch's wheels. Nothing is loaded.
/// </summary>
public static class VendorLibraries
{
    public const string CublasVariable = "CUDATTR_CUBLAS";
    public const string CudnnVariable = "CUDATTR_CUDNN";

    private static readonly string[] CublasFiles =
        OperatingSystem.IsWindows() ? ["cublas64_13.dll", "cublas64_12.dll"] : ["libcublas.so.13", "libcublas.so.12"];
    private static readonly string[] CudnnFiles = OperatingSystem.IsWindows() ? ["cudnn64_9.dll"] : ["libcudnn.so.9"];

    public static VendorLibrary FindCublas() => Find("cuBLAS", CublasVariable, CublasFiles, ["nvidia/cu13/lib", "nvidia/cublas/lib"]);

    public static VendorLibrary FindCudnn() => Find("cuDNN", CudnnVariable, CudnnFiles, ["nvidia/cudnn/lib"]);

    private static VendorLibrary Find(string name, string variable, string[] files, string[] wheelFolders)
    {
        string? forced = Environment.GetEnvironmentVariable(variable);
        IEnumerable<string> candidates = string.IsNullOrEmpty(forced)
            ? Folders(wheelFolders).Distinct().SelectMany(folder => files.Select(file => Path.Combine(folder, file)))
            : Directory.Exists(forced) ? files.Select(file => Path.Combine(forced, file)) : [forced];
        var tried = new List<string>();
        foreach (string candidate in candidates)
        {
            string path = Path.GetFullPath(candidate);
            tried.Add(path);
            if (File.Exists(path))
            {
                return new VendorLibrary(name, path, tried);
            }
        }
        return new VendorLibrary(name, null, tried);
    }

    private static IEnumerable<string> Folders(string[] wheelFolders)
    {
        string searchPath = Variable(OperatingSystem.IsWindows() ? "PATH" : "LD_LIBRARY_PATH");
        foreach (string folder in searchPath.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
        {
            yield return folder;
        }
        string[] cudaRoots = [Variable("CUDA_HOME"), Variable("CUDA_PATH"), "/usr/local/cuda", .. Matching("/usr/local", "cuda-*")];
        foreach (string root in cudaRoots.Where(root => root.Length > 0))
        {
            yield return Path.Combine(root, OperatingSystem.IsWindows() ? "bin" : "lib64");
        }
        if (!OperatingSystem.IsWindows())
        {
            yield return "/usr/lib/x86_64-linux-gnu";
            yield return "/usr/lib64";
        }
        foreach (string packages in PythonPackageFolders())
        {
            foreach (string folder in wheelFolders)
            {
                yield return Path.Combine(packages, folder);
            }
        }
    }

    private static IEnumerable<string> PythonPackageFolders()
    {
        string[] roots =
        [
            Variable("VIRTUAL_ENV"), Variable("CONDA_PREFIX"), Path.Combine(Variable("HOME"), ".local"), "/usr/local", "/opt/conda", "/usr",
        ];
        foreach (string root in roots.Where(root => root.Length > 0))
        {
            foreach (string python in Matching(Path.Combine(root, "lib"), "python3*"))
            {
                yield return Path.Combine(python, "site-packages");
                yield return Path.Combine(python, "dist-packages");
            }
        }
    }

    private static string Variable(string name) => Environment.GetEnvironmentVariable(name) ?? "";

    /// <summary>The sub-folders of that pattern, the latest version first.</summary>
    private static IEnumerable<string> Matching(string folder, string pattern) =>
        Directory.Exists(folder) ? Directory.GetDirectories(folder, pattern).OrderDescending(StringComparer.Ordinal) : [];
}
