using System.Globalization;

namespace CudaAttribution.Reports.Charts;

/// <summary>Training losses over steps, smoothed by a running mean, on a logarithmic axis.</summary>
internal static class LossChart
{
    private const int Points = 240;

    /// <param name="title">What it shows, for readers who cannot see it.</param>
    /// <param name="series">Name and losses by step (1, 2, ...) of each run; empty runs are left out.</param>
    public static string Render(string title, IReadOnlyList<(string Name, IReadOnlyList<(int Step, double Loss)> Losses)> series)
    {
        var lines = series.Where(s => s.Losses.Count > 0).Select(s => (s.Name, Points: Smooth(s.Losses))).ToArray();
        double low = Math.Log10(lines.Min(l => l.Points.Min(p => p.Loss))) - 0.05;
        double high = Math.Log10(lines.Max(l => l.Points.Max(p => p.Loss))) + 0.05;
        int legendRows = (lines.Length + 3) / 4;
        var svg = new Svg(760, 300 + 18 * legendRows, title);
        var frame = new PlotFrame(64, 14 + 18 * legendRows, 680, 230, (0, lines.Max(l => l.Points[^1].Step)), (low, high));
        frame.Draw(svg, "training step", "loss (mean squared error)", yTicks: LogTicks(low, high));
        for (int i = 0; i < lines.Length; i++)
        {
            string colour = ChartColours.Series[i % ChartColours.Series.Length];
            svg.Polyline(lines[i].Points.Select(p => (frame.X(p.Step), frame.Y(Math.Log10(p.Loss)))), colour);
            double x = frame.Left + i % 4 * 170, y = 16 + 18 * (i / 4);
            svg.Line(x, y - 4, x + 18, y - 4, colour, 2.5);
            svg.Text(x + 24, y, lines[i].Name);
        }
        return svg.ToString();
    }

    private static (double Step, double Loss)[] Smooth(IReadOnlyList<(int Step, double Loss)> losses)
    {
        int window = Math.Max(1, losses.Count / 40), stride = Math.Max(1, losses.Count / Points);
        var result = new List<(double, double)>();
        for (int i = 0; i < losses.Count; i += stride)
        {
            int from = Math.Max(0, i - window), to = Math.Min(losses.Count - 1, i + window);
            double sum = 0;
            for (int k = from; k <= to; k++) sum += losses[k].Loss;
            result.Add((losses[i].Step, Math.Max(1e-12, sum / (to - from + 1))));
        }
        return [.. result];
    }

    private static IEnumerable<(double, string)> LogTicks(double low, double high)
    {
        // Within half a decade 1-2-5 leaves too few ticks to read a value off.
        double[] steps = high - low < 0.7 ? [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8] : [1, 2, 5];
        for (int decade = (int)Math.Floor(low); decade <= (int)Math.Floor(high); decade++)
        {
            foreach (double step in steps)
            {
                double value = step * Math.Pow(10, decade), at = Math.Log10(value);
                if (at >= low && at <= high) yield return (at, value.ToString("0.######", CultureInfo.InvariantCulture));
            }
        }
    }
}
