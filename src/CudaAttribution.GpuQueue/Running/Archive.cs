using System.Formats.Tar;
using System.IO.Compression;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.GpuQueue.Running;

/// <summary>Everything a run has left so far, in one file that is whole at any time: written beside it and renamed.</summary>
internal static class Archive
{
    public const string FileName = "all.tar.gz";

    private const string Logs = "logs/";

    /// <summary>Packs the results in <paramref name="folder"/> and the logs in <paramref name="logs"/>.</summary>
    public static void Write(string folder, string logs)
    {
        string target = Path.Combine(folder, FileName), temporary = target + ".partial";
        using (var file = File.Create(temporary))
        using (var packed = new GZipStream(file, CompressionLevel.Fastest))
        using (var tar = new TarWriter(packed))
        {
            var results = new[] { ResultLog.FileName, ResultTable.FileName }.Select(name => Path.Combine(folder, name)).Where(File.Exists);
            foreach (string entry in results.Concat(Directory.EnumerateFiles(logs)).Order(StringComparer.Ordinal))
            {
                string name = entry.StartsWith(logs, StringComparison.Ordinal) ? Logs + Path.GetFileName(entry) : Path.GetFileName(entry);
                // Read first: a log may grow while it is packed, and an entry's size stands before its bytes.
                using var content = new MemoryStream(ReadShared(entry));
                tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = content });
            }
        }
        File.Move(temporary, target, overwrite: true);
    }

    /// <summary>Puts the logs of an earlier run into the same folder back, so that the next archive holds them too.</summary>
    public static void RestoreLogs(string folder, string logs)
    {
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path)) return;
        using var tar = new TarReader(new GZipStream(File.OpenRead(path), CompressionMode.Decompress));
        while (tar.GetNextEntry() is { } entry)
        {
            if (entry.Name.StartsWith(Logs, StringComparison.Ordinal)) entry.ExtractToFile(Path.Combine(logs, Path.GetFileName(entry.Name)), overwrite: true);
        }
    }

    private static byte[] ReadShared(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var copy = new MemoryStream();
        file.CopyTo(copy);
        return copy.ToArray();
    }
}
