using System.Diagnostics;
using CudaAttribution.Driver;

namespace CudaAttribution.Tensors.Verification;

/// <summary>Times of repeats of one piece of work, milliseconds each.</summary>
/// <param name="MedianMs">The median.</param>
/// <param name="MinMs">The fastest.</param>
/// <param name="P90Ms">Nine of ten were not slower.</param>
/// <param name="Count">Repeats timed, warm-up left out.</param>
public sealed record TimeStatistics(double MedianMs, double MinMs, double P90Ms, int Count)
{
    /// <exception cref="ArgumentException">There are no times.</exception>
    public static TimeStatistics Of(IReadOnlyCollection<double> milliseconds)
    {
        if (milliseconds.Count == 0) throw new ArgumentException("no times were taken", nameof(milliseconds));
        double[] sorted = [.. milliseconds.Order()];
        int half = sorted.Length / 2;
        double median = sorted.Length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
        return new TimeStatistics(median, sorted[0], sorted[(int)Math.Ceiling(0.9 * sorted.Length) - 1], sorted.Length);
    }

    /// <summary>The same for each of <paramref name="parts"/> like parts of the work.</summary>
    public TimeStatistics Each(int parts) => new(MedianMs / parts, MinMs / parts, P90Ms / parts, Count * parts);
}

/// <summary>
/// The device's own clock: times between two events of the stream. Repeats are issued many at a time and waited for once, so that a GPU always has
/// the next one in its queue and the processor's part of a launch stays out of the figure.
/// </summary>
public static class DeviceTimer
{
    private const int MostAhead = 64;
    private const double AheadMs = 50;

    /// <summary>Times <paramref name="issue"/>, which only issues work on the device's stream, after one repeat that is not counted.</summary>
    /// <param name="device">The device.</param>
    /// <param name="issue">The work.</param>
    /// <param name="seconds">Repeats end when this much time has passed, <paramref name="least"/> or <paramref name="most"/> of them provided.</param>
    /// <param name="least">Repeats at least.</param>
    /// <param name="most">Repeats at most.</param>
    public static TimeStatistics Repeat(ComputeDevice device, Action issue, double seconds, int least = 3, int most = 200)
    {
        issue();
        device.Synchronize();
        var times = new List<double>();
        long begin = Stopwatch.GetTimestamp();
        int ahead = 1;
        while (times.Count < least || (times.Count < most && Stopwatch.GetElapsedTime(begin).TotalSeconds < seconds))
        {
            times.AddRange(Times(device, issue, ahead));
            double left = 1e3 * seconds - Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
            ahead = (int)Math.Clamp(Math.Min(AheadMs, left) / Math.Max(times[^1], 1e-3), 1, Math.Min(MostAhead, Math.Max(1, most - times.Count)));
        }
        return TimeStatistics.Of(times);
    }

    /// <summary>Milliseconds of each of <paramref name="count"/> repeats, all issued before the device is waited for.</summary>
    public static double[] Times(ComputeDevice device, Action issue, int count)
    {
        var marks = new IEvent[count + 1];
        for (int i = 0; i < marks.Length; i++) marks[i] = device.Driver.CreateEvent();
        try
        {
            marks[0].Record(device.Stream);
            for (int i = 1; i < marks.Length; i++)
            {
                issue();
                marks[i].Record(device.Stream);
            }
            device.Synchronize();
            return [.. marks.Zip(marks.Skip(1), (from, to) => to.ElapsedSince(from))];
        }
        finally
        {
            foreach (var mark in marks) mark.Dispose();
        }
    }
}
