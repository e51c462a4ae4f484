using System.Security.Cryptography;
using System.Text;

namespace CudaAttribution.Runs;

/// <summary>
/// A folder that a run writes. Every file appears under its name complete: it is written beside it and renamed, so that a killed
/// run leaves no half-written file.
/// </summary>
public sealed class RunFolder
{
    /// <exception cref="UserException">The folder cannot be made or written to.</exception>
    public RunFolder(string path)
    {
        Root = System.IO.Path.GetFullPath(path);
        try
        {
            Directory.CreateDirectory(Root);
            string probe = System.IO.Path.Combine(Root, $".write-{Environment.ProcessId}");
            File.WriteAllBytes(probe, []);
            File.Delete(probe);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserException($"cannot write here ({e.Message.TrimEnd('.')})", "Name a folder that you may write to.", Root, e);
        }
    }

    public string Root { get; }

    public string Path(string name) => System.IO.Path.Combine(Root, name);

    public bool Has(string name) => File.Exists(Path(name));

    public RunFolder Folder(string name) => new(Path(name));

    public void Write(string name, string text) => Write(name, Encoding.UTF8.GetBytes(text));

    public void WriteJson<T>(string name, T value) => Write(name, Json.Write(value));

    /// <param name="name">The file, from this folder.</param>
    /// <param name="content">Its bytes.</param>
    /// <param name="durable">Whether they are on the disk when this returns, so that they outlive a power failure too.</param>
    /// <exception cref="UserException">The disk is full, or the folder is gone.</exception>
    public void Write(string name, byte[] content, bool durable = false)
    {
        string target = Path(name), temporary = $"{target}.{Environment.ProcessId}.tmp";
        try
        {
            Directory.CreateDirectory(System.IO.Path.GetDirectoryName(target)!);
            using (var file = File.Create(temporary))
            {
                file.Write(content);
                file.Flush(flushToDisk: durable);
            }
            File.Move(temporary, target, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (File.Exists(temporary)) File.Delete(temporary);
            throw new UserException($"cannot write this file ({e.Message.TrimEnd('.')})", "Make room or name another folder.", target, e);
        }
    }

    /// <summary>
    /// Deletes what writers that were killed left beside their targets: what ends in <c>.tmp</c> or begins with a dot, as locks do. Nobody else may be
    /// writing.
    /// </summary>
    public void DeleteTemporaries()
    {
        foreach (string path in Directory.GetFileSystemEntries(Root, "*", SearchOption.AllDirectories).Where(IsTemporary))
        {
            if (File.Exists(path)) File.Delete(path);
            else if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
        }

        static bool IsTemporary(string path) => System.IO.Path.GetFileName(path) is ['.', ..] or [.., '.', 't', 'm', 'p'];
    }

    /// <summary>SHA-256 of a file, 64 hex digits.</summary>
    public static string HashFile(string path)
    {
        using var file = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }
}
