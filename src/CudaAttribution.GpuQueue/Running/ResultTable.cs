using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CudaAttribution.GpuQueue.Queue;

namespace CudaAttribution.GpuQueue.Running;

/// <summary>
/// Results as Markdown to read: the steps, then a table for each kind of result, whose columns are the members that are single values. Cases that
/// are as they should be are counted, not listed.
/// </summary>
internal static class ResultTable
{
    public const string FileName = "table.md";

    private static readonly string[] Many = ["kernel", "variant", "counters"];
    private static readonly string[] StepColumns = ["step", "state", "seconds", "SM MHz", "why"];

    /// <param name="results">Lines of a <see cref="ResultLog"/>.</param>
    /// <param name="brief">Without what there are dozens of: cases and kernels.</param>
    public static string Of(IReadOnlyList<JsonObject> results, bool brief = false)
    {
        results = ResultLog.LastAttempts(results);
        var text = new StringBuilder("# GPU queue\n");
        foreach (var run in results.Select(r => r["run"]).OfType<JsonObject>()) text.Append("\n- ").AppendJoin(", ", run.Select(p => $"{p.Key} {Cell(p.Value)}"));
        text.Append('\n');
        var steps = results.Where(r => r["end"] is not null).Select(r => new[]
        {
            Cell(r["step"]), Cell(r["state"]), Cell(r["seconds"]), Cell(r["clock"]?["sm_mhz"]), Cell(r["why"]),
        });
        Append(text, "steps", StepColumns, steps);
        foreach (var group in results.Where(r => r["what"] is not null).GroupBy(r => (string)r["what"]!))
        {
            if (brief && Many.Contains(group.Key)) continue;
            JsonObject[] shown = [.. group.Where(r => group.Key != "parity" || (string?)r["state"] != "ok")];
            if (shown.Length == 0) continue;
            string[] columns = [.. shown.SelectMany(r => r.Where(p => p.Key != "what" && p.Value is not (JsonArray or JsonObject)).Select(p => p.Key)).Distinct()];
            Append(text, group.Key, columns, shown.Select(r => columns.Select(c => Cell(r[c])).ToArray()));
        }
        return text.ToString();
    }

    private static void Append(StringBuilder text, string title, string[] columns, IEnumerable<string[]> rows)
    {
        text.Append($"\n## {title}\n\n| ").AppendJoin(" | ", columns).Append(" |\n|").Append(string.Concat(columns.Select(_ => "---|"))).Append('\n');
        foreach (string[] row in rows) text.Append("| ").AppendJoin(" | ", row).Append(" |\n");
    }

    private static string Cell(JsonNode? value) => value?.GetValueKind() switch
    {
        null or JsonValueKind.Null => "",
        JsonValueKind.Number => Number(double.Parse(value.ToJsonString(), CultureInfo.InvariantCulture)),
        JsonValueKind.String => ((string?)value ?? "").Replace("|", "\\|", StringComparison.Ordinal).Replace('\n', ' '),
        _ => value.ToJsonString(QueueJson.Lines),
    };

    private static string Number(double x) => Math.Abs(x) switch
    {
        0 => "0",
        < 1e-3 or >= 1e15 => x.ToString("0.##e+0", CultureInfo.InvariantCulture),
        < 1000 => x.ToString("0.####", CultureInfo.InvariantCulture),
        _ => x.ToString("#,0", CultureInfo.InvariantCulture),
    };
}
