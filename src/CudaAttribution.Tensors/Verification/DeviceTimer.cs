using System.Diagnostics;
using CudaAttribution.Driver;

namespace CudaAttribution.Tensors.Verification;

/// <summary>Times of repeats of one piece of work, milliseconds each.</summary>
/// <param name="MedianMs">The median.</param>
/// <param name="FastestMs">The fastest.</param>
/// <param name="SlowMs">Nine of ten were at most this long.</param>
/// <param name="Count">Repeats timed, warm-up left out.</param>
public sealed record TimeStatistics(double MedianMs, double FastestMs, double SlowMs, int Count)
{
    /// <exception cref="ArgumentException">There are no times.</exception>
    public static TimeStatistics Of(IReadOnlyCollection<double> milliseconds)
    {
        if (milliseconds.Count == 0) throw new ArgumentException("no times were taken", nameof(milliseconds));
        double[] sorted = [.. milliseconds.Order()];
        int half = sorted.Length / 2;
        double median = sorted.Length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
        return new TimeStatistics(median, sorted[0], sorted[(sorted.Length - 1) * 9 / 10], sorted.Length);
    }

    /// <summary>The same for each of <paramref name="parts"/> like parts of the work.</summary>
    public TimeStatistics Each(int parts) => new(MedianMs / parts, FastestMs / parts, SlowMs / parts, Count * parts);
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
        var events = new IEvent[MostAhead + 1];
        for (int i = 0; i < events.Length; i++) events[i] = device.Driver.CreateEvent();
        try
        {
            issue();
            device.Synchronize();
            var times = new List<double>();
            long begin = Stopwatch.GetTimestamp();
            for (int ahead = 1; times.Count < least || (times.Count < most && Stopwatch.GetElapsedTime(begin).TotalSeconds < seconds);)
            {
                events[0].Record(device.Stream);
                for (int i = 1; i <= ahead; i++)
                {
                    issue();
                    events[i].Record(device.Stream);
                }
                device.Synchronize();
                for (int i = 1; i <= ahead; i++) times.Add(events[i].ElapsedSince(events[i - 1]));
                double left = 1e3 * seconds - Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
                ahead = (int)Math.Clamp(Math.Min(AheadMs, left) / Math.Max(times[^1], 1e-3), 1, Math.Min(MostAhead, Math.Max(1, most - times.Count)));
            }
            return TimeStatistics.Of(times);
        }
        finally
        {
            foreach (var each in events) each.Dispose();
        }
    }

    /// <summary>Records what <paramref name="issue"/> issues as a graph.</summary>
    /// <exception cref="DeviceException">It did what cannot be recorded, such as a copy from the host.</exception>
    public static IGraph Capture(ComputeDevice device, Action issue)
    {
        device.Synchronize();
        device.Driver.BeginCapture(device.Stream);
        try
        {
            issue();
        }
        catch
        {
            Abandon(device);
            throw;
        }
        return device.Driver.EndCapture(device.Stream);
    }

    /// <summary>Ends a capture whose work has failed; the failure itself is reported, not that the capture is broken by it.</summary>
    private static void Abandon(ComputeDevice device)
    {
        try
        {
            device.Driver.EndCapture(device.Stream).Dispose();
        }
        catch (DeviceException)
        {
            // A capture that the failure has broken cannot be ended in order.
        }
    }
}
