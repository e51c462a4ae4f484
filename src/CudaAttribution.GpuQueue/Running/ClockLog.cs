using System.Diagnostics;
using System.Globalization;

namespace CudaAttribution.GpuQueue.Running;

/// <summary>Clocks, temperature and power of a GPU while something ran.</summary>
/// <param name="SmMhz">Clock of the multiprocessors, median.</param>
/// <param name="SmMhzLeast">Its least.</param>
/// <param name="MemoryMhz">Clock of the memory, median.</param>
/// <param name="Celsius">Highest temperature.</param>
/// <param name="Watts">Median power.</param>
/// <param name="Samples">How many samples these are of.</param>
internal sealed record ClockSummary(double SmMhz, double SmMhzLeast, double MemoryMhz, double Celsius, double Watts, int Samples);

/// <summary>
/// Asks <c>nvidia-smi</c> twice a second for the clocks, so that every figure stands beside the clock it was taken at. The clocks themselves are left
/// as they are.
/// </summary>
internal sealed class ClockLog : IDisposable
{
    private const string Query = "clocks.sm,clocks.mem,temperature.gpu,power.draw";

    private readonly record struct Sample(long At, double Sm, double Memory, double Celsius, double Watts);

    private readonly Process? _tool;
    private readonly StreamWriter? _log;
    private readonly List<Sample> _samples = [];

    private ClockLog(Process? tool, StreamWriter? log) => (_tool, _log) = (tool, log);

    /// <summary>Starts asking; where there is no <c>nvidia-smi</c> there are no samples.</summary>
    /// <param name="device"><c>cuda:N</c>.</param>
    /// <param name="file">Gets every sample as it is given.</param>
    public static ClockLog Start(string device, string file)
    {
        if (!device.StartsWith("cuda:", StringComparison.Ordinal)) return new ClockLog(null, null);
        string ordinal = device["cuda:".Length..];
        var start = new ProcessStartInfo("nvidia-smi", ["-i", ordinal, $"--query-gpu={Query}", "--format=csv,noheader,nounits", "-lms", "500"])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        };
        Process tool;
        try
        {
            tool = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return new ClockLog(null, null);
        }
        var clock = new ClockLog(tool, new StreamWriter(file) { AutoFlush = true });
        tool.OutputDataReceived += (_, e) => clock.Take(e.Data);
        tool.ErrorDataReceived += (_, _) => { };
        tool.BeginOutputReadLine();
        tool.BeginErrorReadLine();
        return clock;
    }

    /// <summary>What was seen since <paramref name="since"/>; null where nothing was.</summary>
    /// <param name="since">A <see cref="Stopwatch"/> timestamp.</param>
    public ClockSummary? Since(long since)
    {
        Sample[] seen;
        lock (_samples) seen = [.. _samples.Where(s => s.At >= since)];
        if (seen.Length == 0) return null;
        return new ClockSummary(
            Median(seen, s => s.Sm), seen.Min(s => s.Sm), Median(seen, s => s.Memory), seen.Max(s => s.Celsius), Median(seen, s => s.Watts), seen.Length);
    }

    public void Dispose()
    {
        if (_tool is not null)
        {
            if (!_tool.HasExited) _tool.Kill();
            _tool.WaitForExit();
            _tool.Dispose();
        }
        _log?.Dispose();
    }

    private void Take(string? line)
    {
        if (line is null) return;
        _log!.WriteLine(line);
        double[] values = [.. line.Split(',').Select(v => double.TryParse(v, NumberStyles.Float, CultureInfo.InvariantCulture, out double x) ? x : double.NaN)];
        if (values.Length != 4 || double.IsNaN(values[0])) return;
        lock (_samples) _samples.Add(new Sample(Stopwatch.GetTimestamp(), values[0], values[1], values[2], values[3]));
    }

    private static double Median(Sample[] samples, Func<Sample, double> value)
    {
        double[] sorted = [.. samples.Select(value).Order()];
        return sorted[sorted.Length / 2];
    }
}
