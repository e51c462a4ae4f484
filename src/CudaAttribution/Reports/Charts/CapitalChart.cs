using System.Globalization;

namespace CudaAttribution.Reports.Charts;

/// <summary>The bet against chance, query after query, on a logarithmic axis.</summary>
internal static class CapitalChart
{
    /// <param name="title">What it shows, for readers who cannot see it.</param>
    /// <param name="series">Name and log10 E after each rank.</param>
    /// <param name="alpha">The level; 1/alpha is marked.</param>
    public static string Render(string title, IReadOnlyList<(string Name, IReadOnlyList<double> Log10E)> series, double alpha)
    {
        series = [.. series.Where(s => s.Log10E.Count > 0)];
        double needed = -Math.Log10(alpha), high = Math.Max(needed * 1.3, series.SelectMany(s => s.Log10E).DefaultIfEmpty(0).Max());
        double low = Math.Min(-0.5, series.SelectMany(s => s.Log10E).DefaultIfEmpty(0).Min());
        int rows = (series.Count + 3) / 4;
        var svg = new Svg(760, 274 + 18 * rows, title);
        var frame = new PlotFrame(
            64, 14 + 18 * rows, 680, 204, (0, Math.Max(2, series.Select(s => s.Log10E.Count).DefaultIfEmpty(0).Max())), (low, high * 1.05));
        frame.Draw(svg, "usable answers", "log10 E");
        svg.Line(frame.Left, frame.Y(needed), frame.Left + frame.Width, frame.Y(needed), ChartColours.Threshold, 1.5, "5 4");
        svg.Text(
            frame.Left + frame.Width - 4, frame.Y(needed) - 6, $"shown from E = {(1 / alpha).ToString("0.#", CultureInfo.InvariantCulture)} on", Anchor.End,
            size: 11);
        for (int i = 0; i < series.Count; i++)
        {
            string colour = ChartColours.Series[i % ChartColours.Series.Length];
            svg.Polyline(series[i].Log10E.Prepend(0).Select((e, n) => (frame.X(n), frame.Y(e))), colour);
            double x = frame.Left + i % 4 * 170, y = 16 + 18 * (i / 4);
            svg.Line(x, y - 4, x + 18, y - 4, colour, 2.5);
            svg.Text(x + 24, y, series[i].Name);
        }
        return svg.ToString();
    }
}
