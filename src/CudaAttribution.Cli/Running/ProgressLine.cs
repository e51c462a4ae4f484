using System.Diagnostics;
using CudaAttribution.Runs.Units;

namespace CudaAttribution.Cli.Running;

/// <summary>
/// Progress of long work on standard error: one line that is rewritten on a terminal, a line now and then where it goes to a file or a pipe.
/// </summary>
internal sealed class ProgressLine(string activity) : IDisposable
{
    private const int BarWidth = 24;
    private static readonly bool Interactive = !Console.IsErrorRedirected;
    private static readonly TimeSpan Interval = Interactive ? TimeSpan.FromMilliseconds(100) : TimeSpan.FromSeconds(15);

    private readonly long _start = Stopwatch.GetTimestamp();
    private long _shown;
    private int _width;

    /// <summary>Shows that <paramref name="done"/> of <paramref name="total"/> is done.</summary>
    /// <param name="details">What else is worth knowing: loss, speed.</param>
    /// <param name="remaining">Time left; null to reckon it from the time that has passed.</param>
    public void Report(long done, long total, string details = "", TimeSpan? remaining = null)
    {
        bool last = done >= total;
        if (!last && _shown != 0 && Stopwatch.GetElapsedTime(_shown) < Interval) return;
        _shown = Stopwatch.GetTimestamp();
        var passed = Stopwatch.GetElapsedTime(_start);
        var left = remaining ?? (done > 0 ? passed * ((double)(total - done) / done) : null as TimeSpan?);
        string extra = details.Length > 0 ? "  " + details : "";
        string time = last ? $"  {Clock(passed)} taken" : left is { } rest ? $"  {Clock(rest)} left" : "";
        string line = $"{activity}  {Bar(done, total)} {done}/{total}{extra}{time}";
        if (Interactive) Console.Error.Write("\r" + line.PadRight(_width));
        else Console.Error.WriteLine(line);
        _width = line.Length;
    }

    /// <summary>Shows progress with its activity among the details.</summary>
    public void Report(UnitProgress p) =>
        Report(p.Done, p.Total, p.Details.Length > 0 ? $"{p.Activity}, {p.Details}" : p.Activity, p.Remaining);

    public void Dispose()
    {
        if (Interactive && _width > 0) Console.Error.WriteLine();
    }

    private static string Bar(long done, long total)
    {
        int filled = (int)(BarWidth * Math.Min(done, total) / Math.Max(1, total));
        return "[" + new string('#', filled) + new string('-', BarWidth - filled) + "]";
    }

    private static string Clock(TimeSpan t) => t.TotalHours >= 1 ? t.ToString(@"h\:mm\:ss") : t.ToString(@"m\:ss");
}
