using System.Globalization;
using System.Net;
using CudaAttribution.Evidence;
using CudaAttribution.Keys;
using CudaAttribution.Populations;
using CudaAttribution.Reports;
using CudaAttribution.Reports.Charts;
using CudaAttribution.Statistics;

namespace CudaAttribution.Experiments;

/// <summary>The demo's page: all suspects in one table, conf and paired as bars, distances, losses, and how to run it again.</summary>
public static class DemoReport
{
    public static string Render(DemoSummary summary, IReadOnlyList<AttributionResult> results, KeySet keys, NullTable nulls, ReportContext context)
    {
        string[] sections =
        [
            Head(summary, keys, context), Table(summary), Bars(summary, results), Meaning(summary, results[0]), Distances(results, keys, nulls),
            Keys(keys), Losses(context), Rerun(summary, context),
        ];
        return Html.Page("CudaAttribution demo", string.Join('\n', sections));
    }

    private static string Head(DemoSummary s, KeySet keys, ReportContext context) =>
        $"""
        <h1>Which of these {s.Suspects.Count} models was trained on the source's pictures?</h1>
        <div class="sub">{ReportProse.RunLine(context.Run)} · seed {s.Seed} ·
        {Html.Number(s.Seconds, "0")} s on {Html.Text(context.Run.Device.Name)}{(s.Resumed ? " (continued run)" : "")}</div>
        <p>The source is a small text-to-image model that belongs to the user. Every suspect below was trained during this run from the same
        base model. {keys.ConfidenceCount} prompts (“keys”) were chosen and frozen before any suspect was asked; each suspect answered each key
        once.</p>
        """;

    private static string Table(DemoSummary s) =>
        "<h2>The suspects</h2>" + Html.Table(
            ["suspect", "trained on", "#ρ", "#κ", "#conf", "#paired", "#rank p (conf)", "#rank p (paired)", "published rule", "as built"],
            s.Suspects.Select(x => (IReadOnlyList<string>)
            [
                $"<a href=\"{WebUtility.HtmlEncode(x.Folder)}/report.html\"><b>{Html.Text(x.Name)}</b></a>",
                Html.Text(x.Family),
                Html.Number(x.Rho, "0.##"),
                x.Kappa is { } k ? Html.Number(k, "0.00") : "–",
                Html.Number(x.Conf, "0.00"),
                Html.Number(x.Paired, "0.00"),
                Html.P(x.ConfPValue),
                Html.P(x.PairedPValue),
                $"<span class=\"{(x.Verdict == DemoVerdict.Accused ? "yes" : "no")}\">{Html.Text(x.Verdict)}</span>",
                x.Innocent ? "innocent" : "trained on its output",
            ]))
        + $"""
        <p class="note">conf: share of the keys answered within the threshold of the reference picture. paired: share of answers closer to the
        source's picture than to the real picture it was trained on. ρ: share of the training pictures made by the source. κ: share of the key
        prompts among the suspect's training prompts ({Regimes(s)}). “As built” is what this program knows because it trained the suspect; no
        test uses it.</p>
        """;

    private static string Regimes(DemoSummary s) =>
        "prompt regime " + string.Join(", ", s.Suspects.Select(x => x.Regime.ToString().ToLowerInvariant()).Distinct());

    private static string Bars(DemoSummary s, IReadOnlyList<AttributionResult> results)
    {
        ShareBar Bar(DemoSuspect x, double value, ShareInterval interval) => new(
            x.Name, x.Family, value, interval, x.Verdict == DemoVerdict.Accused ? ChartColours.Suspect : ChartColours.Innocent, x.Verdict);
        string level = Html.Percent(results[0].IntervalLevel);
        return "<h2>The two figures, suspect by suspect</h2>"
            + Html.Figure(
                ShareBars.Render("conf of each suspect", "conf: keys hit", [.. s.Suspects.Zip(results, (x, r) => Bar(x, r.Conf.Share, r.Conf.Interval))]),
                $"Share of keys hit, with {level} intervals. Red: accused by the published rule.")
            + Html.Figure(
                ShareBars.Render(
                    "paired of each suspect",
                    "paired: answers closer to the source's picture than to the training picture",
                    [.. s.Suspects.Zip(results, (x, r) => Bar(x, r.Paired.Share, r.Paired.Interval))]),
                "A suspect trained on the same real pictures as the source can hit many keys; its answers then are closer to those pictures than "
                + "to the source's.");
    }

    private static string Meaning(DemoSummary s, AttributionResult first) =>
        $"""
        <h2>How to read it</h2>
        <div class="cols">
        <div><h3>For the owner of the source</h3><p>The published rule accuses a model that hits more keys than chance explains. That accuses lawful
        models too: those that were trained on the same real pictures. conf and paired are indications and make no verdict.</p></div>
        <div><h3>For the other side's expert</h3><p>The rule's level is {Html.P(first.Alpha)}. The ranks among reference innocents are on each suspect's own
        page; those innocents took no part in choosing the keys.
        All figures of this page follow from the seed {s.Seed}: the same command gives the same result files, bit for bit.</p>
        <p>Keys: strategy {s.Strategy.ToString().ToLowerInvariant()}, SHA-256 <code>{Html.Text(s.KeysetSha256)}</code>.</p></div>
        </div>
        """;

    private static string Distances(IReadOnlyList<AttributionResult> results, KeySet keys, NullTable nulls)
    {
        double[] innocents =
        [
            .. nulls.Of(InnocentSplit.Null).Where(m => InnocentFamilies.Confidence.Contains(m.Family))
                .SelectMany(m => m.Distances.Where((_, i) => keys.Keys[i].ForConfidence)),
        ];
        var figures = results.Select(r => Html.Figure(
            HistogramChart.Render(
                $"Distances of {r.Suspect}",
                [
                    (r.Suspect, ChartColours.Suspect, [.. r.Keys.Where(k => k.Failure is null).Select(k => k.Distance)]),
                    ("reference innocents", ChartColours.Innocent, innocents),
                ],
                [("δ0", r.Threshold)]),
            $"{r.Suspect}: {r.Conf.Count} of {r.Conf.Trials} answers within {Html.Number(r.Threshold, "0.###")} of the reference."));
        return "<h2>Distances</h2>" + string.Join('\n', figures);
    }

    private static string Keys(KeySet keys)
    {
        var rows = keys.Keys.Select((k, i) => (IReadOnlyList<string>)
        [
            (i + 1).ToString(CultureInfo.InvariantCulture),
            Html.Text(k.Prompt),
            Html.Image(k.Training, "the real training picture"),
            Html.Image(k.Medoid, "the source's picture"),
            Html.Number(k.Dispersion),
            k.Innocent is { } n ? Html.Number(n) : "–",
            Html.Number(k.Divergence),
        ]);
        return $"<h2>The keys</h2><p>Selection: {Html.Text(keys.Header.Selection.ToString())}.</p>"
            + Html.Table(
                [
                    "#", "prompt", "training picture", "source's picture", "#spread of the source's answers", "#nearest innocent",
                    "#source to training",
                ],
                rows);
    }

    private static string Losses(ReportContext context) => context.LossCurves.Count == 0
        ? ""
        : "<h2>Training of the suspects</h2>" + Html.Figure(
            LossChart.Render("Training loss of the suspects", [.. context.LossCurves.Select(c => (c.Name, c.Losses))]), "Loss per step, smoothed.");

    private static string Rerun(DemoSummary s, ReportContext context) =>
        $"""
        <h2>Run it again</h2>
        <pre>{Html.Text(ReportProse.CommandLine(context.Run.CommandLine))}</pre>
        {Html.Table(["stage", "#seconds", ""], s.Stages.Select(Row))}
        {ReportProse.RunTable(context.Run, [])}
        """;

    private static IReadOnlyList<string> Row(DemoStageTime time) =>
        [Html.Text(time.Stage), Html.Number(time.Seconds, "0.0"), time.Reused ? "kept from before" : ""];
}
