using System.Globalization;

namespace CudaAttribution.Reports.Charts;

/// <summary>How often the served picture had each rank, against what chance gives.</summary>
internal static class RankChart
{
    /// <param name="title">What it shows, for readers who cannot see it.</param>
    /// <param name="candidates">Ranks there are.</param>
    /// <param name="ranks">The ranks.</param>
    public static string Render(string title, int candidates, IReadOnlyList<int> ranks)
    {
        var counts = new int[candidates];
        foreach (int rank in ranks) counts[rank - 1]++;
        double chance = ranks.Count / (double)candidates, top = Math.Max(2, Math.Max(counts.Max(), 2 * chance));
        var svg = new Svg(760, 270, title);
        var frame = new PlotFrame(64, 14, 680, 196, (0.5, candidates + 0.5), (0, top * 1.08));
        frame.Draw(svg, "rank of the served picture (1: nearest to the answer)", "answers");
        double slot = frame.Width / candidates;
        for (int r = 0; r < candidates; r++)
        {
            double y = frame.Y(counts[r]);
            if (counts[r] > 0)
                svg.Rect(frame.Left + r * slot + 2, y, slot - 4, frame.Bottom - y, r == 0 ? ChartColours.Suspect : ChartColours.Innocent);
        }
        svg.Line(frame.Left, frame.Y(chance), frame.Left + frame.Width, frame.Y(chance), ChartColours.Threshold, 1.5, "5 4");
        svg.Text(
            frame.Left + frame.Width - 4, frame.Y(chance) - 6, $"by chance {chance.ToString("0.#", CultureInfo.InvariantCulture)} each", Anchor.End, size: 11);
        return svg.ToString();
    }
}
