using System.Diagnostics;
using System.Text.Json.Nodes;
using CudaAttribution.GpuQueue.Queue;

namespace CudaAttribution.GpuQueue.Running;

/// <summary>How to run a queue.</summary>
/// <param name="QueueFile">The queue.</param>
/// <param name="GoldenFile">The bits of <c>cpu</c>.</param>
/// <param name="Folder">Where results go.</param>
/// <param name="Device">The device.</param>
/// <param name="Minutes">All the time there is.</param>
/// <param name="Reduced">Small shapes, for a rehearsal where kernels are emulated.</param>
internal sealed record RunOptions(string QueueFile, string GoldenFile, string Folder, string Device, double Minutes, bool Reduced);

/// <summary>
/// Runs the steps of a queue one after another, each in a process and a time box of its own. Every result is on the disk when it is known, and all of
/// it is packed every minute: who is cut off loses the step that was running.
/// </summary>
internal sealed class QueueRunner : IDisposable
{
    /// <summary>Kept for the last packing.</summary>
    private static readonly TimeSpan Reserve = TimeSpan.FromSeconds(4);

    /// <summary>How much longer the boxes of a rehearsal are: emulated kernels share the processor with whatever else runs on it.</summary>
    private const int RehearsalBoxes = 4;

    private readonly RunOptions _options;
    private readonly QueueFile _queue;
    private readonly JsonObject _identity;
    private readonly string _logs;
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private readonly ResultLog _results;
    private readonly HashSet<string> _done;

    /// <exception cref="QueueException">The queue cannot be read, or the folder holds the results of another.</exception>
    public QueueRunner(RunOptions options)
    {
        _options = options;
        (_queue, string hash) = QueueFile.Read(options.QueueFile);
        _identity = new JsonObject
        {
            ["queue_sha256"] = hash, ["program_sha256"] = SelfCommand.ProgramHash(), ["device"] = options.Device, ["reduced"] = options.Reduced,
        };
        Directory.CreateDirectory(options.Folder);
        _done = Finished();
        _results = ResultLog.Open(options.Folder);
        _logs = Directory.CreateTempSubdirectory("gpu-queue-").FullName;
        Archive.RestoreLogs(options.Folder, _logs);
    }

    private TimeSpan Left => TimeSpan.FromMinutes(_options.Minutes) - _watch.Elapsed;

    /// <summary>Runs what is not done yet.</summary>
    /// <returns>Whether no step failed.</returns>
    public bool Run()
    {
        var header = _identity.DeepClone().AsObject();
        header["date"] = DateTime.UtcNow.ToString("yyyy-MM-ddTHH:mm:ssZ");
        header["minutes"] = _options.Minutes;
        header["resumed"] = _done.Count > 0;
        _results.Add(new JsonObject { ["run"] = header });
        using var clock = ClockLog.Start(_options.Device, Path.Combine(_logs, "clock.csv"));
        using var packing = new Timer(_ => PackMeanwhile(), null, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(1));
        bool passed = true;
        string? useless = null;
        foreach (var step in _queue.Steps.Where(s => !_done.Contains(s.Name)))
        {
            var box = TimeSpan.FromSeconds(Math.Min(step.Seconds * (_options.Reduced ? RehearsalBoxes : 1), (Left - Reserve).TotalSeconds));
            string? why = useless ?? (box.TotalSeconds < (step.Least ?? step.Seconds) ? "no time left" : null);
            string state = why is null ? Run(step, box, clock) : Close(step, "not run", 0, why, null);
            passed &= state is not ("failed" or "cut off");
            if (step.Kind == StepKind.Facts && state == "failed") useless = $"{_options.Device} cannot be used here";
        }
        packing.Change(Timeout.Infinite, Timeout.Infinite);
        File.WriteAllText(Path.Combine(_options.Folder, ResultTable.FileName), ResultTable.Of(ResultLog.Read(_options.Folder)));
        Pack();
        return passed;
    }

    public void Dispose()
    {
        _results.Dispose();
        Directory.Delete(_logs, recursive: true);
    }

    private string Run(QueueStep step, TimeSpan box, ClockLog clock)
    {
        Console.WriteLine($"{step.Name}: at most {box.TotalSeconds:0} s, {Left.TotalSeconds:0} s left");
        long begin = Stopwatch.GetTimestamp();
        StepEnd end;
        _results.Add(new JsonObject { ["step"] = step.Name, ["begin"] = true });
        using (var log = new StreamWriter(Path.Combine(_logs, step.Name + ".log")) { AutoFlush = true })
        {
            string[] options = ["--queue", _options.QueueFile, "--golden", _options.GoldenFile, "--results", _options.Folder, "--device", _options.Device];
            // A step plans to end before it is stopped.
            string seconds = FormattableString.Invariant($"{box.TotalSeconds * 0.95 - 1:0.##}");
            string[] command = [.. SelfCommand.Of("step", step.Name), .. options, "--seconds", seconds, .. _options.Reduced ? new[] { "--reduced" } : []];
            end = StepProcess.Run(command, box, line => ResultLog.Parse(line) is { } result && Add(step, result), log);
        }
        string state = end switch
        {
            { CutOff: true } or { ExitCode: StepCode.OutOfTime } => "cut off",
            { ExitCode: StepCode.Done } => "ok",
            { ExitCode: StepCode.Skipped } => "skipped",
            _ => "failed",
        };
        return Close(step, state, Stopwatch.GetElapsedTime(begin).TotalSeconds, state == "ok" || end.LastWords.Length == 0 ? null : end.LastWords, clock.Since(begin));
    }

    private bool Add(QueueStep step, JsonObject result)
    {
        result.Insert(0, "step", step.Name);
        _results.Add(result);
        return true;
    }

    private string Close(QueueStep step, string state, double seconds, string? why, ClockSummary? clock)
    {
        var end = new JsonObject { ["step"] = step.Name, ["end"] = true, ["state"] = state, ["seconds"] = Math.Round(seconds, 2) };
        if (why is not null) end["why"] = why;
        if (clock is not null) end["clock"] = QueueJson.Object(clock);
        _results.Add(end);
        Console.WriteLine($"{step.Name}: {state}{(why is null ? "" : $" ({why})")}, {seconds:0.0} s");
        return state;
    }

    /// <summary>The steps that an earlier run into this folder has finished.</summary>
    private HashSet<string> Finished()
    {
        var lines = ResultLog.Read(_options.Folder);
        foreach (var run in lines.Select(l => l["run"]).OfType<JsonObject>())
        {
            var other = _identity.FirstOrDefault(p => !JsonNode.DeepEquals(run[p.Key], p.Value));
            if (other.Key is not null)
            {
                throw new QueueException(
                    $"{_options.Folder} holds results of another run ({other.Key} {run[other.Key]?.ToJsonString()}, now {other.Value?.ToJsonString()}): name a new folder");
            }
        }
        return [.. lines.Where(l => l["end"] is not null && (string?)l["state"] is "ok" or "skipped").Select(l => (string)l["step"]!)];
    }

    /// <summary>A packing that fails costs a copy, not the run; the last one must not fail.</summary>
    private void PackMeanwhile()
    {
        try
        {
            Pack();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"gpu-queue: {Archive.FileName} was not renewed: {e.Message}");
        }
    }

    private void Pack()
    {
        // The timer's packing and the last one may meet.
        lock (_logs) Archive.Write(_options.Folder, _logs);
    }
}
