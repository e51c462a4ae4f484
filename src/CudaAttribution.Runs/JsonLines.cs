using System.Text;
using System.Text.Json;

namespace CudaAttribution.Runs;

/// <summary>A file of records, one a line, that only grows: what stands in it outlives the process, whenever that ends.</summary>
/// <param name="folder">The folder of the run.</param>
/// <param name="name">The file.</param>
/// <param name="kind">What it is, for messages.</param>
public sealed class JsonLines<T>(RunFolder folder, string name, string kind)
{
    private static readonly JsonSerializerOptions OneLine = new(Json.Options) { WriteIndented = false };

    /// <summary>Every record, in order. A line that a power failure cut short is dropped, since the next record must begin a line.</summary>
    /// <exception cref="UserException">A line is no such record, or the file cannot be read.</exception>
    public IReadOnlyList<T> Read()
    {
        if (!folder.Has(name)) return [];
        string file = folder.Path(name), text = Json.ReadText(file, kind);
        int end = text.LastIndexOf('\n') + 1;
        if (end < text.Length) folder.Write(name, text = text[..end]);
        return [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => Json.Parse<T>(line, file, kind))];
    }

    /// <summary>Adds records; they are on the disk when this returns.</summary>
    public void Append(params IEnumerable<T> records)
    {
        using var file = new FileStream(folder.Path(name), FileMode.Append, FileAccess.Write, FileShare.Read);
        file.Write(Encoding.UTF8.GetBytes(string.Concat(records.Select(r => JsonSerializer.Serialize(r, OneLine) + "\n"))));
        file.Flush(flushToDisk: true);
    }
}
