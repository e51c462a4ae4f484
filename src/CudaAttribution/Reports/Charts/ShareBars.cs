using System.Globalization;
using CudaAttribution.Statistics;

namespace CudaAttribution.Reports.Charts;

/// <summary>One bar: a share with its interval.</summary>
/// <param name="Label">Name on the left.</param>
/// <param name="Note">Small text under the name.</param>
/// <param name="Value">The share.</param>
/// <param name="Interval">Its interval.</param>
/// <param name="Colour">Its colour.</param>
/// <param name="Outcome">Text at the right end.</param>
internal sealed record ShareBar(string Label, string Note, double Value, ShareInterval Interval, string Colour, string Outcome);

/// <summary>Horizontal bars of shares between 0 and 100 % with interval whiskers.</summary>
internal static class ShareBars
{
    private const double Row = 44;

    public static string Render(string title, string axis, IReadOnlyList<ShareBar> bars)
    {
        var svg = new Svg(760, 62 + Row * bars.Count, title);
        double left = 190, width = 430, top = 8, bottom = top + Row * bars.Count;
        foreach (double tick in new[] { 0, 0.2, 0.4, 0.6, 0.8, 1 })
        {
            svg.Line(left + width * tick, top, left + width * tick, bottom, tick == 0 ? ChartColours.Axis : ChartColours.Grid);
            svg.Text(left + width * tick, bottom + 17, $"{100 * tick:0} %", Anchor.Middle, ChartColours.Muted, 11);
        }
        svg.Text(left + width / 2, bottom + 38, axis, Anchor.Middle);
        for (int i = 0; i < bars.Count; i++)
        {
            var bar = bars[i];
            double middle = top + Row * (i + 0.5);
            svg.Text(left - 12, middle - 1, bar.Label, Anchor.End, bold: true);
            svg.Text(left - 12, middle + 13, bar.Note, Anchor.End, ChartColours.Muted, 11);
            svg.Rect(left, middle - 11, width * bar.Value, 22, bar.Colour, opacity: 0.85);
            double low = left + width * bar.Interval.Low, high = left + width * bar.Interval.High;
            svg.Line(low, middle, high, middle, ChartColours.Ink, 1.2);
            svg.Line(low, middle - 4, low, middle + 4, ChartColours.Ink, 1.2);
            svg.Line(high, middle - 4, high, middle + 4, ChartColours.Ink, 1.2);
            svg.Text(left + width + 14, middle - 1, (100 * bar.Value).ToString("0", CultureInfo.InvariantCulture) + " %", bold: true);
            svg.Text(left + width + 14, middle + 13, bar.Outcome, fill: ChartColours.Muted, size: 11);
        }
        return svg.ToString();
    }
}
