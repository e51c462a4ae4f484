using System.Globalization;
using System.Net;
using CudaAttribution.Evidence;
using CudaAttribution.Keys;
using CudaAttribution.Reports;
using CudaAttribution.Reports.Charts;
using CudaAttribution.Verdicts;

namespace CudaAttribution.Experiments;

/// <summary>The demo's page: what the audit says of each suspect beside what the published rule says, and why the two differ.</summary>
public static class DemoReport
{
    public static string Render(
        DemoSummary summary, AuditResult audit, IReadOnlyList<AttributionResult> indications, KeySet keys, ReportContext context)
    {
        string[] sections =
        [
            Head(summary, context), Verdicts(summary), Meaning(summary, audit), Published(summary, indications, keys), Keys(keys), Losses(context),
            Rerun(summary, context),
        ];
        return Html.Page("CudaAttribution demo", string.Join('\n', sections));
    }

    private static string Head(DemoSummary s, ReportContext context) =>
        $"""
        <h1>Which of these {s.Suspects.Count} models was trained on the source's pictures?</h1>
        <div class="sub">{ReportProse.RunLine(context.Run)} · seed {s.Seed} ·
        {Html.Number(s.Seconds, "0")} s on {Html.Text(context.Run.Device.Name)}{(s.Resumed ? " (continued run)" : "")}</div>
        <p>The source is a small text-to-image model that belongs to the user. It served pictures to two accounts. Every suspect below was trained during
        this run from the same base model: two on what an account downloaded, the others lawfully, one of them exactly as the source was, with another
        seed. Each was asked the same prompts.</p>
        """;

    private static string Verdicts(DemoSummary s) =>
        "<h2>Verdicts</h2>" + Html.Table(
            ["suspect", "trained on", "#ρ", "verdict", "#p, served against fresh", "#p, source swap", "pictures found", "#queries until shown", "published rule"],
            s.Suspects.Select(x => (IReadOnlyList<string>)
            [
                $"<a href=\"{DemoAudit.FolderName}/{ReportContext.FileName}\"><b>{Html.Text(x.Name)}</b></a>",
                Html.Text(x.Family),
                Html.Number(x.Rho, "0.##"),
                $"<span class=\"{(x.Verdict == Verdict.Shown ? "yes" : "no")}\">{Word(x.Verdict)}</span>",
                Html.P(x.PValue),
                x.SwapPValue is { } p ? Html.P(p) : "–",
                x.Found.Count == 0 ? "–" : string.Join(", ", x.Found.Select(f => $"{f.Nearest} of {f.Of} served to {Html.Text(f.Account)}")),
                x.QueriesToShown is { } n ? n.ToString(CultureInfo.InvariantCulture) : "–",
                $"<a href=\"{WebUtility.HtmlEncode(x.Folder)}/{ReportContext.FileName}\">{Accused(x)}</a>",
            ]))
        + """
        <p class="note">ρ: share of the training pictures that the source made. Pictures found: tested pictures of the account to which the suspect's answer is
        the nearest of 20 that the source could have served. “Trained on” and ρ are what this program knows because it trained the suspects; no test uses
        them.</p>
        """;

    private static string Accused(DemoSuspect x) => x.PublishedAccuses switch
    {
        null => "no answer",
        true when x.Innocent => "<span class=\"yes\">accuses, wrongly</span>",
        true => "accuses",
        false => "does not accuse",
    };

    private static string Word(Verdict verdict) => verdict switch { Verdict.Shown => "shown", Verdict.NotShown => "not&nbsp;shown", _ => "no&nbsp;verdict" };

    private static string Meaning(DemoSummary s, AuditResult audit) =>
        $"""
        <h2>How to read it</h2>
        <div class="cols">
        <div><h3>For the owner of the source</h3><p>“Shown” rests on one test, named and committed to before the first query. For each served picture the
        source drew fresh ones that it could have served just as well. A model that depends on no served picture cannot know which of them was served, so the
        served one is nearest to its answers as often as any other. A model trained on the served pictures knows.</p>
        <p>“Not shown” is not “innocent”. Source swap is a second test that needs no log: of the source and its twins, models trained alike with other seeds,
        is it the source that the suspect resembles most? It names no account.</p></div>
        <div><h3>For the other side's expert</h3><p>A model that depends on no served picture is accused in at most one of {Html.Number(1 / s.Alpha, "0.#")}
        audits, whatever it was trained on. Nothing is estimated and no model is taken to be innocent. <a href="{DemoAudit.FolderName}/{ReportContext.FileName}">The
        audit</a> has every answer among its fresh siblings, the negative controls ({Controls(audit)}) and the chain of hashes;
        <code>cudattr evidence verify {DemoAudit.FolderName}</code> computes all of it again, offline.</p>
        <p>All figures of this page follow from the seed {s.Seed}, but for times and the salt of the commitment <code>{s.PlanCommit[..16]}…</code>.</p></div>
        </div>
        """;

    private static string Controls(AuditResult audit) =>
        string.Join(", ", audit.Controls.Select(c => $"{Html.Text(c.Name)}: {(c.Passed ? "as by chance" : "not as by chance")}"));

    private static string Published(DemoSummary s, IReadOnlyList<AttributionResult> indications, KeySet keys)
    {
        if (indications.Select(r => r.Published).FirstOrDefault(p => p is not null) is not { } rule) return "";
        string level = Html.Percent(indications[0].IntervalLevel);
        return $"""
            <h2>What the published rule says</h2>
            <p>Zhang et al. (2024) choose prompts on which the source gives itself away, here {keys.ConfidenceCount}, and count how many of them a suspect
            answers with nearly the source's picture (conf). An innocent model is taken to do so with {Html.Number(100 * rule.Rate, "0.#")} % of them, each by itself;
            {(rule.Needed is { } needed ? $"{needed} hits are then too many at level {Html.P(s.Alpha)}" : "no number of hits is then too many")}. That rule
            accuses models that learned the same real pictures in the same way as the source and never saw a picture of it. So conf is an indication here, and
            makes no verdict.</p>
            {Html.Figure(
                ShareBars.Render(
                    "conf of each suspect", "conf: keys hit",
                    [.. s.Suspects.Zip(indications, (x, r) => new ShareBar(
                        x.Name, x.Family, r.Conf.Share, r.Conf.Interval, x.Innocent ? ChartColours.Innocent : ChartColours.Suspect,
                        x.PublishedAccuses is true ? "accused" : "not accused"))]),
                $"Share of keys hit, with {level} intervals. Red: trained on the source's pictures. Beside each bar what the published rule says.")}
            """;
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
            Html.Number(k.Divergence),
        ]);
        return $"<h2>Its keys</h2><p>Selection: {Html.Text(keys.Header.Selection.ToString())}. SHA-256 <code>{Html.Text(keys.Hash)}</code>.</p>"
            + Html.Table(
                ["#", "prompt", "training picture", "source's picture", "#spread of the source's answers", "#source to training"],
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
