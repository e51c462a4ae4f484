namespace CudaAttribution.Reports.Charts;

/// <summary>A rectangle with linear axes, grid lines, tick labels and axis titles, and the map from data to it.</summary>
internal sealed class PlotFrame
{
    private readonly (double Low, double High) _x;
    private readonly (double Low, double High) _y;

    public PlotFrame(double left, double top, double width, double height, (double Low, double High) x, (double Low, double High) y) =>
        (Left, Top, Width, Height, _x, _y) = (left, top, width, height, x, y);

    public double Left { get; }

    public double Top { get; }

    public double Width { get; }

    public double Height { get; }

    public double Bottom => Top + Height;

    public double X(double value) => Left + Width * (value - _x.Low) / (_x.High - _x.Low);

    public double Y(double value) => Bottom - Height * (value - _y.Low) / (_y.High - _y.Low);

    /// <summary>Draws grid, ticks and titles.</summary>
    public void Draw(
        Svg svg, string xTitle, string yTitle, bool percentY = false, Ticks? xTicks = null, IEnumerable<(double Value, string Label)>? yTicks = null)
    {
        var y = new Ticks(_y.Low, _y.High, 5, percentY);
        foreach (var (value, label) in yTicks ?? y.Values.Select(v => (v, y.Label(v))))
        {
            svg.Line(Left, Y(value), Left + Width, Y(value), ChartColours.Grid);
            svg.Text(Left - 8, Y(value) + 4, label, Anchor.End, ChartColours.Muted, 11);
        }
        xTicks ??= new Ticks(_x.Low, _x.High, 8);
        foreach (double value in xTicks.Values)
        {
            svg.Line(X(value), Bottom, X(value), Bottom + 4, ChartColours.Axis);
            svg.Text(X(value), Bottom + 17, xTicks.Label(value), Anchor.Middle, ChartColours.Muted, 11);
        }
        svg.Line(Left, Bottom, Left + Width, Bottom, ChartColours.Axis);
        svg.Text(Left + Width / 2, Bottom + 36, xTitle, Anchor.Middle, ChartColours.Ink);
        svg.Text(14, Top + Height / 2, yTitle, Anchor.Middle, ChartColours.Ink, rotate: -90);
    }
}
