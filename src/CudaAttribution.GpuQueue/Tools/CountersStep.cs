using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using CudaAttribution.GpuQueue.Queue;
using CudaAttribution.GpuQueue.Running;
using CudaAttribution.GpuQueue.Steps;

namespace CudaAttribution.GpuQueue.Tools;

/// <summary>Hardware counters, by Nsight Compute, of the ten kernels that took most time in the steps before.</summary>
internal sealed class CountersStep : IStep
{
    private const int Kernels = 10;
    private const int LaunchesOfEach = 4;

    private static readonly string[] Sections = ["SpeedOfLight", "LaunchStats", "Occupancy", "MemoryWorkloadAnalysis"];

    /// <summary>What is kept of a launch; the rest is in the log.</summary>
    private static readonly string[] Metrics =
    [
        "Duration", "SM Frequency", "Compute (SM) Throughput", "Memory Throughput", "DRAM Throughput", "L1/TEX Cache Throughput", "L2 Cache Throughput",
        "Achieved Occupancy", "Registers Per Thread", "Waves Per SM", "L1/TEX Hit Rate", "L2 Hit Rate",
    ];

    public int Run(StepContext context)
    {
        string[] kernels = Worst(ResultLog.LastAttempts(ResultLog.Read(context.ResultsFolder)));
        if (kernels.Length == 0)
        {
            Console.Error.WriteLine("no step before has told which kernels take the time");
            return StepCode.Skipped;
        }
        // One pass for each engine: the tensor-core kernels run with theirs only.
        foreach (var group in kernels.GroupBy(k => k.EndsWith("_bf16", StringComparison.Ordinal) ? "bf16" : "kernels"))
        {
            var table = new CounterTable();
            string[] command =
            [
                "ncu", "--clock-control", "none", "--csv", "--page", "details", "--target-processes", "all",
                .. Sections.SelectMany(s => new[] { "--section", s }), "--kernel-name", $"regex:^({string.Join('|', group)})$",
                "--launch-count", (LaunchesOfEach * group.Count()).ToString(CultureInfo.InvariantCulture),
                .. SelfCommand.Of(["cases", "--device", context.Device, "--math", group.Key, .. context.Reduced ? new string[] { } : ["--bench"]]),
                .. group.SelectMany(k => new[] { "--kernel", k }),
            ];
            var end = MachineTool.Run(context, command, line =>
            {
                table.Add(line);
                return false;
            });
            if (end.ExitCode == StepCode.Skipped) return StepCode.Skipped;
            foreach (var launch in table.Launches(Metrics)) StepContext.Emit(launch);
            if (end.ExitCode != 0 || table.IsEmpty)
            {
                Console.Error.WriteLine(end.CutOff ? "ncu took longer than the box" : $"ncu ended with exit code {end.ExitCode}: {end.LastWords}");
                return end.CutOff ? StepCode.OutOfTime : StepCode.Failed;
            }
        }
        return StepCode.Done;
    }

    /// <summary>The kernels with most time in all model steps together.</summary>
    internal static string[] Worst(IEnumerable<JsonObject> results) =>
    [
        .. results.Where(r => (string?)r["what"] == "model").SelectMany(r => r["kernels"]?.AsArray() ?? [])
            .GroupBy(k => (string)k!["kernel"]!, k => (double)k!["ms"]!)
            .OrderByDescending(g => g.Sum()).Take(Kernels).Select(g => g.Key),
    ];
}

/// <summary>The table that <c>ncu --csv --page details</c> prints: a metric a row, the launch it belongs to by its ID.</summary>
internal sealed class CounterTable
{
    private readonly List<(string Id, string Kernel, string Grid, string Metric, string Unit, string Value)> _rows = [];
    private string[]? _header;

    public bool IsEmpty => _rows.Count == 0;

    /// <summary>Takes a line; what stands before the header, and whatever has not as many fields as it, is no row.</summary>
    public void Add(string line)
    {
        if (!line.StartsWith('"')) return;
        string[] fields = Fields(line);
        if (_header is null)
        {
            if (fields.Contains("Metric Name")) _header = fields;
            return;
        }
        if (fields.Length != _header.Length) return;
        string Field(string name) => Array.IndexOf(_header, name) is >= 0 and var i ? fields[i] : "";
        if (Field("Metric Name").Length > 0)
            _rows.Add((Field("ID"), Field("Kernel Name"), Field("Grid Size"), Field("Metric Name"), Field("Metric Unit"), Field("Metric Value")));
    }

    /// <summary>One result for each launch, with the metrics of these names.</summary>
    public IEnumerable<JsonObject> Launches(string[] metrics)
    {
        foreach (var launch in _rows.GroupBy(r => r.Id))
        {
            var first = launch.First();
            var values = new JsonObject();
            foreach (var row in launch.Where(r => metrics.Contains(r.Metric)))
            {
                string name = row.Unit.Length > 0 ? $"{row.Metric} [{row.Unit}]" : row.Metric;
                bool number = double.TryParse(row.Value.Replace(",", ""), NumberStyles.Float, CultureInfo.InvariantCulture, out double value);
                values[name] = number ? value : row.Value;
            }
            yield return new JsonObject { ["what"] = "counters", ["kernel"] = first.Kernel, ["grid"] = first.Grid, ["metrics"] = values };
        }
    }

    /// <summary>Fields of a line of RFC 4180, which ncu's are: quoted, a quote doubled.</summary>
    private static string[] Fields(string line)
    {
        var fields = new List<string>();
        var field = new StringBuilder();
        bool quoted = false;
        for (int i = 0; i < line.Length; i++)
        {
            char c = line[i];
            if (c == '"' && quoted && i + 1 < line.Length && line[i + 1] == '"') field.Append(line[i++]);
            else if (c == '"') quoted = !quoted;
            else if (c == ',' && !quoted)
            {
                fields.Add(field.ToString());
                field.Clear();
            }
            else field.Append(c);
        }
        fields.Add(field.ToString());
        return [.. fields];
    }
}
