using System.Reflection;

namespace CudaAttribution.Data.Datasets;

/// <summary>The files of a pack, wherever they lie.</summary>
public interface IPackFiles
{
    /// <summary>A name for messages and manifests.</summary>
    string Describe(string name);

    /// <summary>The bytes of a file, or null if there is none.</summary>
    /// <param name="name">A relative path with '/' between parts.</param>
    byte[]? Read(string name);
}

/// <summary>A pack in a folder.</summary>
public sealed class FolderPackFiles(string folder) : IPackFiles
{
    public string Describe(string name) => Path.Combine(folder, name);

    public byte[]? Read(string name)
    {
        try
        {
            string path = Path.Combine(folder, name);
            return File.Exists(path) ? File.ReadAllBytes(path) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DatasetException($"the file cannot be read ({e.Message.TrimEnd('.')})", "Check its permissions.", Describe(name), null, e);
        }
    }
}

/// <summary>A pack among the resources of an assembly, under the names prefix + path.</summary>
public sealed class EmbeddedPackFiles(Assembly assembly, string prefix) : IPackFiles
{
    public string Describe(string name) => $"embedded:{prefix}{name}";

    public byte[]? Read(string name)
    {
        using Stream? stream = assembly.GetManifestResourceStream(prefix + name);
        if (stream is null) return null;
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
