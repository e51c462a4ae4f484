using System.Globalization;
using CudaAttribution.Evidence;
using CudaAttribution.Keys;
using CudaAttribution.Populations;
using CudaAttribution.Reports.Charts;
using CudaAttribution.Statistics;

namespace CudaAttribution.Reports;

/// <summary>
/// The page of one judged suspect: verdict on top, every figure with its meaning, every key with its pictures, and how to run it again.
/// </summary>
public static class AttributionReport
{
    public static string Render(AttributionRun run, ReportContext context)
    {
        var r = run.Result;
        string[] sections =
        [
            Head(r, context), Tiles(r), ReportProse.Meaning(r, run.Nulls), Tests(r), Distances(run), KeyTable(run),
            RemoteService.Section(r), Losses(context), Rerun(r, context),
        ];
        return Html.Page($"Attribution of {r.Suspect}: {r.Verdict}", string.Join('\n', sections));
    }

    private const string Repeatable =
        "The figures depend on the keys, the suspect, the null table and the seed only: the same command gives the same result.json, bit for bit.";

    private const string Recorded =
        "A service need not give the same answers again. Its answers are in this folder: the same command into the same folder gives the "
        + "same result.json from them, bit for bit, and asks nothing.";

    private static string Head(AttributionResult r, ReportContext context) =>
        $"""
        <h1>Was “{Html.Text(r.Suspect)}” trained on the source's pictures?</h1>
        <div class="sub">{ReportProse.RunLine(context.Run)} · suspect {Html.Text(Short(r.SuspectIdentity))} ·
        keys {Html.Text(Short(r.KeysetSha256))}</div>
        <div class="verdict{(r.Verdict == Verdict.Infringing ? " bad" : "")}"><b>{Html.Text(Capital(r.Verdict))}</b><p>{Html.Text(r.Reason)}</p></div>
        """;

    private static string Tiles(AttributionResult r)
    {
        string detectable = r.SmallestDetectableRho is { } rho ? "ρ = " + Html.Number(rho, "0.00") : "above ρ = 1";
        return $"""
            <div class="tiles">
            {Tile("Keys hit (conf)", $"{r.Hits} of {r.N} · {Html.Percent(r.Conf)}", $"{Level(r)} interval {Html.Interval(r.ConfInterval)}")}
            {Tile(
                "Answers closer to the source than to its data",
                $"{r.PairedTest.Count} of {r.PairedTest.Trials} · {Html.Percent(r.Paired)}",
                $"{Level(r)} interval {Html.Interval(r.PairedInterval)}")}
            {Tile("p-value (larger of both tests)", Html.P(r.PValue), $"needed for “infringing”: {Html.P(r.Alpha)}")}
            {Tile(
                "Smallest share this run could detect",
                detectable,
                $"share of the source's pictures in the training set, found with {Html.Percent(r.ConfDetectable.Power)} power")}
            </div>
            """;
    }

    private static string Tile(string title, string figure, string note) =>
        $"<div class=\"tile\"><span>{title}</span><b>{figure}</b><span>{note}</span></div>";

    private static string Tests(AttributionResult r)
    {
        string calibrated = r.Calibrated is { } c
            ? "<h3>conf at the calibrated threshold</h3>"
                + $"<p>The threshold at which {Html.Number(100 * c.Quantile, "0.#")} % of {c.Distances} answers of the CAL innocents count as "
                + $"hits is {Html.Number(c.Threshold)}. There the suspect hits {c.Hits} of {r.N} keys "
                + $"({Html.Percent(c.Conf)}, {Level(r)} interval {Html.Interval(c.ConfInterval)}; p = {Html.P(c.Test.PValue)}). "
                + $"The verdict rests on the threshold fixed beforehand, {Html.Number(r.Threshold, "0.###")}.</p>"
            : "<p class=\"note\">No calibrated threshold: the null table has no CAL innocents.</p>";
        return $"""
            <h2>The two tests</h2>
            <p>“Infringing” needs both tests to reject at level {Html.P(r.Alpha)}.
            Within a test the least favourable family of innocents counts.</p>
            <h3>conf: does the suspect hit more keys than models that never saw the source's output?</h3>
            {Families(r.ConfTest, "hits")}
            <h3>paired: are its answers closer to the source's pictures than to the real ones, compared with models trained on real pictures?</h3>
            {Families(r.PairedTest, "wins")}
            {calibrated}
            """;
    }

    private static string Families(NullTest test, string unit) => test.Families.Count == 0
        ? "<p>The null table has no innocents of these families, so nothing can be shown.</p>"
        : Html.Table(
            ["innocents", "#models", $"#their {unit} of {test.Trials}", "#suspect", "#p by rank", "#its floor", "#p by beta-binomial", "used", "#p"],
            test.Families.Select(f => (IReadOnlyList<string>)
            [
                Html.Text(f.Family),
                f.Innocents.ToString(CultureInfo.InvariantCulture),
                Spread(f.Counts),
                test.Count.ToString(CultureInfo.InvariantCulture),
                Html.P(f.RankPValue),
                Html.P(f.RankFloor),
                Html.P(f.ModelPValue),
                f.ModelBased ? "model-based" : "rank",
                $"<b>{Html.P(f.PValue)}</b>",
            ]));

    private static string Spread(IReadOnlyList<int> counts) =>
        counts.Count <= 8
            ? string.Join(", ", counts.Order())
            : $"{counts.Min()} to {counts.Max()}, median {Html.Number(Quantile.Median(counts.Select(c => (double)c)), "0.#")}";

    private static string Distances(AttributionRun run)
    {
        var r = run.Result;
        double[] Of(Func<NullModel, bool> member) =>
            [.. run.Nulls.Of(InnocentSplit.Null).Where(member).SelectMany(m => m.Distances.Where((_, i) => run.Keys.Keys[i].ForConfidence))];
        var thresholds = new List<(string, double)> { ("δ0", r.Threshold) };
        string chart = HistogramChart.Render(
            "Distances of the suspect's and the innocents' answers",
            [
                ("suspect", ChartColours.Suspect, [.. r.Keys.Where(k => k.Failure is null).Select(k => k.Distance)]),
                ("innocents", ChartColours.Innocent, Of(m => InnocentFamilies.Confidence.Contains(m.Family))),
                ("trained on the same real pictures", ChartColours.Source, Of(m => m.Family == InnocentFamily.RealOwn)),
            ],
            thresholds);
        return "<h2>Distances</h2>" + Html.Figure(
            chart,
            $"Metric {r.Metric}: 0 is the same picture, 1 is black against white. Answers left of δ0 are hits. The third group is lawful too: "
            + "conf alone would accuse it, the paired test must not."
            + (r.Keys.Any(k => k.Failure is not null) ? " Answers that never came are not drawn; they count as misses." : ""));
    }

    private static string KeyTable(AttributionRun run)
    {
        var r = run.Result;
        var rows = run.Examined.Select((examined, i) =>
        {
            var (key, answer, k) = examined;
            string[] cells =
            [
                Numeric((i + 1).ToString(CultureInfo.InvariantCulture)),
                $"<td class=\"p\">{Html.Text(key.Prompt)}</td>",
                $"<td>{Html.Image(key.Training, "the real training picture")}</td>",
                $"<td>{Html.Image(key.Medoid, "the source's picture")}</td>",
                $"<td>{(answer.Image is { } image ? Html.Image(image, "the suspect's answer") : NoAnswer(k))}</td>",
                Numeric(Html.Number(k.Distance)),
                $"<td>{Mark(key.ForConfidence, k.Hit, "hit", "miss")}</td>",
                Numeric(Html.Number(k.ToTraining)),
                Numeric(Html.Number(k.ToMedoid)),
                $"<td>{Mark(key.ForPaired, k.CloserToMedoid, "source", "data")}</td>",
            ];
            return $"<tr>{string.Concat(cells)}</tr>\n";
        });
        string reference = run.Keys.Keys[0].Reference == KeyReference.Medoid ? "the source's picture" : "the training picture";
        return $"""
            <h2>Key by key</h2>
            <p>Each prompt was sent to the suspect once, with fresh noise. The distance is to the key's reference, {reference};
            a hit is a distance of at most {Html.Number(r.Threshold, "0.###")}.</p>
            <table><thead><tr><th class="n">#</th><th>prompt</th><th>training picture</th><th>source's picture</th><th>suspect's answer</th>
            <th class="n">distance</th><th></th><th class="n">to training</th><th class="n">to source</th><th>closer to</th></tr></thead><tbody>
            {string.Concat(rows)}</tbody></table>
            """;
    }

    private static string Numeric(string text) => $"<td class=\"n\">{text}</td>";

    private static string NoAnswer(KeyResult k) => $"<span class=\"none\">no answer: {Html.Text(k.Failure ?? "")}</span>";

    private static string Mark(bool counted, bool holds, string yes, string no) =>
        counted ? $"<span class=\"{(holds ? "yes" : "no")}\">{(holds ? yes : no)}</span>" : "<span class=\"no\">not counted</span>";

    private static string Losses(ReportContext context) => context.LossCurves.All(c => c.Losses.Count == 0)
        ? ""
        : "<h2>Training</h2>" + Html.Figure(
            LossChart.Render("Training loss", [.. context.LossCurves.Select(c => (c.Name, c.Losses))]),
            "Loss of the suspect while this program trained it, smoothed.");

    private static string Rerun(AttributionResult r, ReportContext context) =>
        $"""
        <h2>Run it again</h2>
        <p>{(r.Remote is null ? Repeatable : Recorded)}</p>
        <pre>{Html.Text(ReportProse.CommandLine(context.Run.CommandLine))}</pre>
        {ReportProse.RunTable(context.Run, [("keys (SHA-256)", r.KeysetSha256), ("suspect", r.SuspectIdentity)])}
        """;

    private static string Level(AttributionResult r) => Html.Percent(r.IntervalLevel);

    private static string Short(string hash) => hash.Length > 16 ? hash[..16] + "…" : hash;

    private static string Capital(string text) => char.ToUpperInvariant(text[0]) + text[1..];
}
