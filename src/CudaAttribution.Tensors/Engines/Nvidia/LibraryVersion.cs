using CudaAttribution.Driver;
using CudaAttribution.Driver.Libraries;

namespace CudaAttribution.Tensors.Engines.Nvidia;

/// <summary>Version of cuBLAS or cuDNN, which both tell through a function of the same form.</summary>
internal static unsafe class LibraryVersion
{
    // libraryPropertyType of CUDA's library_types.h.
    private const int Major = 0;
    private const int Minor = 1;
    private const int PatchLevel = 2;

    /// <summary>Reads the version.</summary>
    /// <param name="library">The library.</param>
    /// <param name="getProperty">Name of the function that tells it.</param>
    /// <param name="neededMajor">The oldest major version that will do.</param>
    /// <returns><c>major.minor.patch</c>.</returns>
    /// <exception cref="NativeLibraryException">It is older than that, or does not tell.</exception>
    public static string Require(VendorFunctions library, string getProperty, int neededMajor)
    {
        var get = (delegate* unmanaged[Cdecl]<int, int*, int>)library.Find(getProperty);
        int major, minor, patch;
        if (get(Major, &major) != 0 || get(Minor, &minor) != 0 || get(PatchLevel, &patch) != 0)
        {
            throw new NativeLibraryException($"{library.Name} at {library.Path} does not tell its version: {library.Remedy}");
        }
        string version = $"{major}.{minor}.{patch}";
        return major >= neededMajor
            ? version
            : throw new NativeLibraryException(
                $"{library.Name} {version} at {library.Path} is too old, {neededMajor}.0 or newer is needed: {library.Remedy}");
    }
}
