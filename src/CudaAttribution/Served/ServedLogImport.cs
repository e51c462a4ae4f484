using CudaAttribution.Chain;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Runs;

namespace CudaAttribution.Served;

/// <summary>Makes a log of one layout of a log of any.</summary>
public static class ServedLogImport
{
    /// <summary>Writes a log in lines of JSON, the pictures as PNG by their pixels, and a commitment; the folder appears complete.</summary>
    /// <param name="log">The log.</param>
    /// <param name="to">A folder that is not there yet, or empty.</param>
    /// <exception cref="UserException">There is something already, a picture was changed, or nothing can be written.</exception>
    public static Commitment Write(ServedLog log, string to)
    {
        string target = Path.GetFullPath(to);
        if (Directory.Exists(target) && Directory.EnumerateFileSystemEntries(target).Any() || File.Exists(target))
            throw new UserException("there is something already", "Name a folder that is not there yet.", target);
        var parent = new RunFolder(Path.GetDirectoryName(target)!);
        string temporary = parent.Path($".{Path.GetFileName(target)}.{Environment.ProcessId}.tmp");
        try
        {
            var folder = new RunFolder(temporary);
            var written = new HashSet<string>();
            foreach (var picture in log.Pictures)
                if (written.Add(picture.PixelHash)) folder.WriteImage(ServedEntry.FileOf(picture.PixelHash), log.Read(picture));
            new JsonLines<ServedEntry>(folder, ServedLog.LinesFile, "served log").Append(log.Pictures.Select(ServedEntry.Of));
            var commitment = ServedLogCommitment.To(log.Pictures).Write(folder);
            if (Directory.Exists(target)) Directory.Delete(target);
            Directory.Move(temporary, target);
            return commitment;
        }
        finally
        {
            if (Directory.Exists(temporary)) Directory.Delete(temporary, recursive: true);
        }
    }
}
