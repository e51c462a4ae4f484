using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using CudaAttribution.Driver.Libraries;

namespace CudaAttribution.Driver.ManagedCuda;

/// <summary>Ties the imports of ManagedCuda's assemblies to the native libraries that this program has found.</summary>
/// <remarks>
/// Each of its assemblies has a resolver of its own, which excludes another one and asks the loader for a name of its own choice. So what it gets
/// must be the library at hand; where it gets none (no file of that name), it is handed that one.
/// </remarks>
public static class ManagedCudaImports
{
    /// <summary>Ties an assembly to cuBLAS or cuDNN; called before its first import is.</summary>
    /// <param name="library">The library at hand.</param>
    /// <param name="assembly">The assembly with the imports.</param>
    /// <param name="importName">The name in its imports.</param>
    /// <param name="linuxName">The one it asks the loader for on Linux.</param>
    /// <exception cref="NativeLibraryException">It gets another library; the message says which name that has.</exception>
    public static void Bind(VendorFunctions library, Assembly assembly, string importName, string linuxName)
    {
        if (!TryBind(library.Handle, assembly, importName, linuxName, out string asked))
        {
            string file = asked.Contains('.') ? asked : OperatingSystem.IsLinux() ? $"lib{asked}.so" : $"{asked}.dll";
            throw new NativeLibraryException(
                $"ManagedCuda takes the {library.Name} that the loader finds as {file}, which is not {library.Path}: let the loader find that one "
                + $"under this name or none (on Linux in the folders of LD_LIBRARY_PATH), or {library.Remedy}");
        }
    }

    /// <returns>False where the assembly gets another library; <paramref name="asked"/> is the name it asks for.</returns>
    internal static bool TryBind(nint library, Assembly assembly, string importName, string linuxName, out string asked)
    {
        asked = OperatingSystem.IsLinux() ? linuxName : importName;
        if (NativeLibrary.TryLoad(asked, assembly, DllImportSearchPath.SafeDirectories, out nint found))
        {
            return found == library;
        }
        AssemblyLoadContext.GetLoadContext(assembly)!.ResolvingUnmanagedDll += (asking, name) =>
            asking == assembly && (name == importName || name == linuxName) ? library : 0;
        return true;
    }
}
