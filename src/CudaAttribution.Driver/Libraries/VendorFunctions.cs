using System.Runtime.InteropServices;

namespace CudaAttribution.Driver.Libraries;

/// <summary>An optional library of NVIDIA's, loaded at run time, with its functions by name. It stays loaded until the process ends.</summary>
public sealed class VendorFunctions
{
    private readonly string _variable;

    private VendorFunctions(string name, string path, nint handle, string variable)
    {
        (Name, Path, Handle, _variable) = (name, path, handle, variable);
    }

    /// <summary><c>cuBLAS</c> or <c>cuDNN</c>.</summary>
    public string Name { get; }

    /// <summary>Full path of the file.</summary>
    public string Path { get; }

    /// <summary>What to do about a library that does not fit, as the end of a message.</summary>
    public string Remedy => $"install another {Name} or name one with {_variable}";

    /// <summary>The loader's handle.</summary>
    internal nint Handle { get; }

    /// <exception cref="NativeLibraryException">It was found nowhere, or what was found cannot be loaded.</exception>
    public static VendorFunctions LoadCublas() => Load(VendorLibraries.FindCublas(), VendorLibraries.CublasVariable);

    /// <inheritdoc cref="LoadCublas"/>
    public static VendorFunctions LoadCudnn() => Load(VendorLibraries.FindCudnn(), VendorLibraries.CudnnVariable);

    /// <summary>Address of a function.</summary>
    /// <exception cref="NativeLibraryException">The library has no such function.</exception>
    public nint Find(string function) => NativeLibrary.TryGetExport(Handle, function, out nint address)
        ? address
        : throw new NativeLibraryException($"{Name} at {Path} has no function {function}: {Remedy}");

    /// <summary>Sees that the library has these functions, for a binding that finds them by itself.</summary>
    /// <exception cref="NativeLibraryException">It lacks one; the message says which.</exception>
    public void Require(IEnumerable<string> functions)
    {
        foreach (string function in functions)
        {
            _ = Find(function);
        }
    }

    private static VendorFunctions Load(VendorLibrary library, string variable)
    {
        if (library.Path is not { } path)
        {
            throw new NativeLibraryException(
                $"{library.Name} was not found: install it or set {variable} to its folder or file. Tried: {string.Join("; ", library.Tried)}");
        }
        nint handle = NativeLibraryLocator.TryLoadPath(path, out string outcome);
        return handle != 0
            ? new VendorFunctions(library.Name, path, handle, variable)
            : throw new NativeLibraryException(
                $"{library.Name} cannot be loaded: set {variable} to the folder or file of another. Tried: {path}: {outcome}");
    }
}
