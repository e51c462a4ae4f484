namespace CudaAttribution.Reports.Charts;

/// <summary>Shares against a number, a line for each series.</summary>
internal static class LineChart
{
    /// <param name="title">What it shows, for readers who cannot see it.</param>
    /// <param name="xTitle">Title of the x axis.</param>
    /// <param name="yTitle">Title of the y axis, which runs from 0 to 1.</param>
    /// <param name="series">Name and points of each line.</param>
    public static string Render(string title, string xTitle, string yTitle, IReadOnlyList<(string Name, IReadOnlyList<(double X, double Y)> Points)> series)
    {
        series = [.. series.Where(s => s.Points.Count > 0)];
        double[] xs = [.. series.SelectMany(s => s.Points.Select(p => p.X)).Distinct().Order()];
        int rows = (series.Count + 3) / 4;
        double margin = xs.Length < 2 ? 0.5 : 0.06 * (xs[^1] - xs[0]);
        var svg = new Svg(760, 274 + (18 * rows), title);
        var frame = new PlotFrame(64, 14 + (18 * rows), 680, 204, (xs[0] - margin, xs[^1] + margin), (0, 1.02));
        frame.Draw(svg, xTitle, yTitle);
        for (int i = 0; i < series.Count; i++)
        {
            string colour = ChartColours.Series[i % ChartColours.Series.Length];
            (double X, double Y)[] points = [.. series[i].Points.Select(p => (frame.X(p.X), frame.Y(p.Y)))];
            svg.Polyline(points, colour);
            foreach (var (px, py) in points) svg.Circle(px, py, 3, colour);
            double x = frame.Left + (i % 4 * 170), y = 16 + (18 * (i / 4));
            svg.Line(x, y - 4, x + 18, y - 4, colour, 2.5);
            svg.Text(x + 24, y, series[i].Name);
        }
        return svg.ToString();
    }
}
