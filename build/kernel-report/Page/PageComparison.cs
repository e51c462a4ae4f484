using System.Globalization;

namespace CudaAttribution.KernelReport.Page;

/// <summary>Whether a page still tells of the kernels as they are.</summary>
public static class PageComparison
{
    /// <summary>Figures may differ by this share before the page is out of date.</summary>
    public const double Tolerance = 0.1;

    public const string Remedy = "If this is meant: bash build/check-ptxas.sh --report";

    /// <summary>What is wrong, a sentence each; none where the page is true.</summary>
    /// <exception cref="InvalidDataException">A page lacks its tables.</exception>
    public static IReadOnlyList<string> Problems(string page, string now)
    {
        var (was, kernels) = (KernelTable.Read(MarkdownTable.After(KernelTable.Heading, page)), KernelTable.Read(MarkdownTable.After(KernelTable.Heading, now)));
        List<string> problems =
        [
            .. was.Keys.Except(kernels.Keys).Select(k => $"kernel {k} is on the page and no longer in the module"),
            .. kernels.Keys.Except(was.Keys).Select(k => $"kernel {k} is new and not on the page"),
        ];
        foreach (var (kernel, figures) in kernels)
        {
            for (int i = 0; i < figures.Count; i++)
            {
                string where = $"kernel {kernel} on {Gpu.All[i].Target}";
                if (figures[i].Spilled > 0) problems.Add($"{where}: {figures[i].Spilled} bytes of registers are spilled");
                if (was.TryGetValue(kernel, out var before)) Compare(problems, where, before[i], figures[i]);
            }
        }
        Compare(problems, Launches(page), Launches(now));
        return problems;
    }

    private static IReadOnlyDictionary<string, double> Launches(string page) => PredictionTable.Read(MarkdownTable.After(PredictionTable.Heading, page));

    private static void Compare(List<string> problems, string where, KernelFigures was, KernelFigures now)
    {
        Compare(problems, $"{where}: resident warps (percent)", was.Occupancy, now.Occupancy, moreIsWorse: false);
        if (was.Unit != now.Unit) problems.Add($"{where}: its main loop was measured against {was.Unit}, now against {now.Unit}");
        else if (now.Reach > 0) Compare(problems, $"{where}: reach of the main loop (percent of {now.Unit})", was.Reach, now.Reach, moreIsWorse: false);
        else Compare(problems, $"{where}: cycles of the main loop", was.Cycles, now.Cycles, moreIsWorse: true);
    }

    private static void Compare(List<string> problems, IReadOnlyDictionary<string, double> was, IReadOnlyDictionary<string, double> now)
    {
        // A launch near the time from which on launches are listed may come and go.
        const double Surely = PredictionTable.LeastSeconds * 1e6 * (1 + Tolerance);
        problems.AddRange(was.Where(l => l.Value > Surely && !now.ContainsKey(l.Key)).Select(l => $"{l.Key}: on the page and no longer launched"));
        problems.AddRange(now.Where(l => l.Value > Surely && !was.ContainsKey(l.Key)).Select(l => $"{l.Key}: launched and not on the page"));
        foreach (var (launch, time) in now)
        {
            if (was.TryGetValue(launch, out double before)) Compare(problems, $"{launch}: predicted microseconds", before, time, moreIsWorse: true);
        }
    }

    private static void Compare(List<string> problems, string what, double was, double now, bool moreIsWorse)
    {
        if (double.Abs(now - was) <= Tolerance * was) return;
        string verdict = now > was == moreIsWorse ? "worse" : "better";
        problems.Add(string.Create(CultureInfo.InvariantCulture, $"{what}: {verdict}, {was} on the page, {now} now"));
    }
}
