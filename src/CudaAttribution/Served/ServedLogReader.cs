using System.Text.Json;
using System.Text.Json.Nodes;
using CudaAttribution.Chain;
using CudaAttribution.Data.Datasets;
using CudaAttribution.Runs;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Served;

/// <summary>Reads a log of any layout. What is in it comes from outside: each error names the line.</summary>
public static class ServedLogReader
{
    private const string Kind = "served log", TableType = ".tsv", LinesType = ".jsonl";

    /// <summary>
    /// Reads a folder with <see cref="ServedLog.TableFile"/> or <see cref="ServedLog.LinesFile"/>, or such a file itself; pictures lie beside it.
    /// Pictures whose hash is not in the log are decoded, the others when they are asked for. Where the log was committed to, it must still be what it
    /// was then.
    /// </summary>
    /// <exception cref="UserException">There is no log, a line of it is wrong, or it was touched.</exception>
    public static ServedLog Read(string path)
    {
        string file = Locate(Path.GetFullPath(path)), folder = Path.GetDirectoryName(file)!;
        byte[] bytes = ReadBytes(file);
        var rows = new ServedRows(folder, file);
        ServedLogHeader? header = null;
        ServedLog log;
        if (file.EndsWith(TableType, StringComparison.OrdinalIgnoreCase))
        {
            log = Log(ServedTable.Parse(file, bytes));
        }
        else if (bytes.AsSpan().StartsWith("{\"record\":"u8))
        {
            (header, string start) = ReadHeader(folder);
            log = Log(HashChain<JsonElement>.Read(file, start, Kind, unfinished: true).Select((record, i) => (i + 1, Members(file, i + 1, record))));
        }
        else
        {
            log = Log(TextLines.Read(file, bytes).Select(line => (line.Number, Members(file, line.Number, line.Text))));
        }
        if (log.Pictures.Count == 0) throw new UserException("the log is empty: there is no line with a picture", "Add one for each picture.", file);
        ServedLogCommitment.Check(log);
        return log;

        ServedLog Log(IEnumerable<(int Line, IReadOnlyDictionary<string, string> Row)> lines) =>
            new(folder, [.. lines.Select((line, i) => rows.Read(i, line.Line, line.Row))], header);
    }

    private static string Locate(string path)
    {
        if (!Directory.Exists(path))
        {
            string type = Path.GetExtension(path).ToLowerInvariant();
            return type is TableType or LinesType ? path : throw None();
        }
        string[] found = [.. new[] { ServedLog.TableFile, ServedLog.LinesFile }.Select(name => Path.Combine(path, name)).Where(File.Exists)];
        return found.Length switch
        {
            1 => found[0],
            0 => throw None(),
            _ => throw new UserException($"there are {ServedLog.TableFile} and {ServedLog.LinesFile}", "Name the one that is meant.", path),
        };

        UserException None() => new(
            "there is no served log here", $"Name a folder with {ServedLog.TableFile} or {ServedLog.LinesFile}, or a file like one of these.", path);
    }

    private static byte[] ReadBytes(string file)
    {
        try
        {
            return File.ReadAllBytes(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserException($"cannot read this {Kind} ({e.Message.TrimEnd('.')})", "Check the path and its permissions.", file, e);
        }
    }

    private static (ServedLogHeader Header, string Start) ReadHeader(string folder)
    {
        string file = Path.Combine(folder, ServedLogHeader.FileName);
        var header = Json.Read<ServedLogHeader>(file, "header of a " + Kind);
        Json.CheckSchema(header.Schema, ServedLogHeader.CurrentSchema, file);
        return (header, CanonicalJson.Hash(JsonNode.Parse(Json.ReadText(file, Kind))));
    }

    private static IReadOnlyDictionary<string, string> Members(string file, int number, string text)
    {
        try
        {
            return Members(file, number, OutsideJson.Read(text));
        }
        catch (JsonException e)
        {
            throw new UserException($"the line is not JSON ({e.Message.TrimEnd('.')})", "Write one JSON object on each line.", file, number, e);
        }
    }

    private static IReadOnlyDictionary<string, string> Members(string file, int number, JsonElement line)
    {
        if (line.ValueKind != JsonValueKind.Object)
            throw new UserException("the line is not a JSON object", "Write one JSON object on each line.", file, number);
        return line.EnumerateObject().Where(m => m.Value.ValueKind != JsonValueKind.Null).ToDictionary(m => m.Name, m => m.Value.ValueKind switch
        {
            JsonValueKind.String => m.Value.GetString()!,
            JsonValueKind.Number => m.Value.GetRawText(),
            _ => throw new UserException(
                $"'{PrintableText.Of(m.Name)}' is neither a text nor a number", "Write texts and whole numbers.", file, number),
        });
    }
}
