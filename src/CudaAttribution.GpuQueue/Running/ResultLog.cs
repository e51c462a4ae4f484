using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CudaAttribution.GpuQueue.Queue;

namespace CudaAttribution.GpuQueue.Running;

/// <summary>
/// <c>results.jsonl</c>: one JSON object a line, on the disk before the next is awaited. The first line describes the run; every other has the
/// step it belongs to. The first of a step has <c>"begin": true</c>, the last <c>"end": true</c> and its state; a step that was cut off may be tried
/// again, and then only what follows its last beginning counts.
/// </summary>
internal sealed class ResultLog : IDisposable
{
    public const string FileName = "results.jsonl";

    private readonly FileStream _lock, _file;
    private readonly Lock _gate = new();

    /// <remarks>The lock is a file of its own, since the log is read while it is written; the system lets go of it when the process dies.</remarks>
    private ResultLog(string path)
    {
        _lock = new FileStream(path + ".lock", FileMode.OpenOrCreate, FileAccess.Write, FileShare.None, bufferSize: 0, FileOptions.DeleteOnClose);
        if (File.Exists(path)) CutTail(path);
        _file = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read, bufferSize: 0);
    }

    /// <summary>Opens the log of a folder to add to it. A last line that a kill has cut short is removed.</summary>
    /// <exception cref="QueueException">Another process has it open.</exception>
    public static ResultLog Open(string folder)
    {
        string path = Path.Combine(folder, FileName);
        try
        {
            return new ResultLog(path);
        }
        catch (IOException e)
        {
            throw new QueueException($"{path} cannot be written: {e.Message}", e);
        }
    }

    /// <summary>The whole lines of a log, oldest first; none where there is no log.</summary>
    /// <exception cref="QueueException">A whole line is no JSON object.</exception>
    public static IReadOnlyList<JsonObject> Read(string folder)
    {
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path)) return [];
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        string[] lines = new StreamReader(file, Encoding.UTF8).ReadToEnd().Split('\n');
        return [.. lines[..^1].Select((line, i) => Parse(line) ?? throw new QueueException($"{path}, line {i + 1} is no JSON object"))];
    }

    /// <summary>The same without what steps left in attempts before their last.</summary>
    public static IReadOnlyList<JsonObject> LastAttempts(IReadOnlyList<JsonObject> results)
    {
        var begun = new Dictionary<string, int>();
        for (int i = 0; i < results.Count; i++)
        {
            if (results[i]["begin"] is not null) begun[(string)results[i]["step"]!] = i;
        }
        return [.. results.Where((r, i) => (string?)r["step"] is not { } step || i >= begun.GetValueOrDefault(step))];
    }

    /// <summary>Null where the text is no JSON object.</summary>
    public static JsonObject? Parse(string line)
    {
        try
        {
            return JsonNode.Parse(line) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    public void Add(JsonObject result)
    {
        byte[] line = Encoding.UTF8.GetBytes(result.ToJsonString(QueueJson.Lines) + "\n");
        lock (_gate)
        {
            _file.Write(line);
            _file.Flush(flushToDisk: true);
        }
    }

    public void Dispose()
    {
        _file.Dispose();
        _lock.Dispose();
    }

    private static void CutTail(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read);
        long end = file.Length;
        for (; end > 0; end--)
        {
            file.Position = end - 1;
            if (file.ReadByte() == '\n') break;
        }
        file.SetLength(end);
    }
}
