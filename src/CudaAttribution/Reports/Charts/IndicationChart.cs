using System.Globalization;
using CudaAttribution.Evidence;
using CudaAttribution.Populations;
using CudaAttribution.Statistics;

namespace CudaAttribution.Reports.Charts;

/// <summary>Counts of the suspect (lines) among those of the references (dots), family by family, a panel for each indication.</summary>
internal static class IndicationChart
{
    private const double Left = 128, Width = 400, Row = 28, Head = 34, Foot = 40, LargestDot = 12;

    /// <param name="title">What it shows, for readers who cannot see it.</param>
    /// <param name="indications">The indications.</param>
    public static string Render(string title, IReadOnlyList<Indication> indications)
    {
        var svg = new Svg(760, indications.Sum(Height), title);
        double top = 0;
        foreach (var indication in indications)
        {
            Panel(svg, top, indication);
            top += Height(indication);
        }
        return svg.ToString();
    }

    private static double Height(Indication i) => Head + Row * i.Families.Count + Foot;

    private static void Panel(Svg svg, double top, Indication indication)
    {
        double first = top + Head, bottom = first + Row * indication.Families.Count;
        double X(double count) => Left + Width * count / indication.Trials;
        svg.Text(8, top + 20, indication.Name, bold: true, size: 13);
        foreach (double tick in new Ticks(0, indication.Trials, 6).Values.Where(double.IsInteger))
        {
            svg.Line(X(tick), first, X(tick), bottom, tick == 0 ? ChartColours.Axis : ChartColours.Grid);
            svg.Text(X(tick), bottom + 16, tick.ToString("0", CultureInfo.InvariantCulture), Anchor.Middle, ChartColours.Muted, 11);
        }
        svg.Line(Left, bottom, Left + Width, bottom, ChartColours.Axis);
        svg.Text(Left + Width / 2, bottom + 31, $"answers of {indication.Trials}", Anchor.Middle, ChartColours.Muted, 11);
        svg.Line(X(indication.Count), first - 4, X(indication.Count), bottom, ChartColours.Suspect, 2);
        svg.Text(X(indication.Count), first - 9, $"suspect {indication.Count}", Anchor.Middle, ChartColours.Suspect, 11.5, bold: true);
        foreach (var (row, family) in indication.Families.Index())
        {
            double middle = first + Row * (row + 0.5);
            svg.Text(Left - 14, middle + 4, family.Family, Anchor.End);
            foreach (var group in family.Counts.CountBy(c => c).OrderBy(g => g.Key)) Dot(svg, X(group.Key), middle, group.Value);
            svg.Text(Left + Width + 18, middle + 4, Rank(family, required: row < InnocentFamilies.Required.Count), fill: ChartColours.Muted, size: 11.5);
        }
    }

    /// <summary>References with one count: a dot with an area as large as their number, until it would fill its row.</summary>
    private static void Dot(Svg svg, double x, double y, int references)
    {
        svg.Circle(x, y, Math.Min(LargestDot, 4.5 * Math.Sqrt(references)), ChartColours.Innocent);
        if (references > 1) svg.Text(x, y + 3.5, references.ToString(CultureInfo.InvariantCulture), Anchor.Middle, "#fff", 10, bold: true);
    }

    private static string Rank(FamilyRank f, bool required) =>
        $"m = {f.References}" + (f.PValue is { } p && f.References > 0 ? FormattableString.Invariant($", rank p = {p:0.###}") : "")
        + (!required ? ", not required" : f.Enough ? "" : ", too few");
}
