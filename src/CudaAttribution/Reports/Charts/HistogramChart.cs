using System.Globalization;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Reports.Charts;

/// <summary>Distances of several groups of answers as shares per bin, with thresholds marked.</summary>
internal static class HistogramChart
{
    private const double FinestBin = 0.025;

    /// <summary>Bars of more bins would be narrower than what stands between them.</summary>
    private const int MostBins = 48;

    /// <param name="title">What it shows, for readers who cannot see it.</param>
    /// <param name="series">Name, colour and distances of each group; empty groups are left out.</param>
    /// <param name="thresholds">Labelled vertical lines.</param>
    public static string Render(
        string title,
        IReadOnlyList<(string Name, string Colour, IReadOnlyList<double> Values)> series,
        IReadOnlyList<(string Label, double Value)> thresholds)
    {
        series = [.. series.Where(s => s.Values.Count > 0)];
        double largest = series.SelectMany(s => s.Values).Concat(thresholds.Select(t => t.Value)).DefaultIfEmpty(0).Max();
        double width = FinestBin * Math.Max(1, Math.Ceiling(largest / (FinestBin * MostBins) - 1e-9));
        int bins = Math.Max(8, (int)Math.Ceiling(largest / width + 1e-9) + 1);
        var shares = series.Select(s => Shares(s.Values, bins, width)).ToArray();
        double top = Math.Min(1, Math.Ceiling(shares.SelectMany(s => s).DefaultIfEmpty(0).Max() * 10 + 0.5) / 10);

        var svg = new Svg(760, 330, title);
        var frame = new PlotFrame(64, 44, 680, 230, (0, bins * width), (0, Math.Max(0.1, top)));
        frame.Draw(svg, "distance of the answer from the key's reference picture", "share of answers", percentY: true);
        double slot = frame.Width / bins, bar = (slot - 3) / Math.Max(1, series.Count);
        for (int s = 0; s < series.Count; s++)
        {
            for (int b = 0; b < bins; b++)
            {
                double y = frame.Y(shares[s][b]);
                if (shares[s][b] > 0) svg.Rect(frame.Left + b * slot + 1.5 + s * bar, y, bar, frame.Bottom - y, series[s].Colour);
            }
        }
        foreach (var (label, value) in thresholds)
        {
            svg.Line(frame.X(value), frame.Top - 6, frame.X(value), frame.Bottom, ChartColours.Threshold, 1.5, "5 4");
            svg.Text(frame.X(value) + 5, frame.Top + 2, $"{label} = {value.ToString("0.###", CultureInfo.InvariantCulture)}", size: 11);
        }
        double x = frame.Left;
        foreach (var (name, colour, values) in series)
        {
            string entry = $"{name} ({values.Count} answers)";
            svg.Rect(x, 10, 11, 11, colour);
            svg.Text(x + 17, 20, entry);
            x += 40 + 6.6 * entry.Length;
        }
        return svg.ToString();
    }

    private static double[] Shares(IReadOnlyList<double> values, int bins, double width)
    {
        var shares = new double[bins];
        // A distance that equals a bin's upper edge belongs to that bin, as a distance equal to the threshold is a hit.
        foreach (double v in values) shares[Math.Clamp((int)Math.Ceiling(v / width - 1e-9) - 1, 0, bins - 1)] += 1.0 / values.Count;
        return shares;
    }
}
