using System.Globalization;
using CudaAttribution.Images;
using CudaAttribution.Reports.Charts;
using CudaAttribution.Runs.Manifests;
using CudaAttribution.Verdicts;

namespace CudaAttribution.Reports;

/// <summary>The page of an audit: verdicts on top, then answer by answer the served picture among its fresh siblings, then what it rests on.</summary>
public static class AuditReport
{
    /// <summary>Answers of a suspect that are shown; the others are in its folder.</summary>
    private const int Shown = 30;

    /// <summary>Fresh pictures beside the served one, the nearest.</summary>
    private const int Siblings = 4;

    /// <summary>Renders the page of a finished audit.</summary>
    /// <param name="folder">The audit.</param>
    /// <param name="plan">Its plan.</param>
    /// <param name="result">What was found.</param>
    /// <param name="judge">Measures what is shown.</param>
    /// <param name="run">The run so far.</param>
    public static string Render(string folder, AuditPlan plan, AuditResult result, AuditJudge judge, RunManifest run)
    {
        string title = result.Suspects.Count == 1
            ? $"Was “{result.Suspects[0].Name}” trained on the source's output?"
            : $"Were {result.Suspects.Count} models trained on the source's output?";
        string[] sections =
        [
            $"<h1>{Html.Text(title)}</h1>\n<div class=\"sub\">{ReportProse.RunLine(run)} · source {Html.Text(plan.Source.Name)} · committed to "
                + $"<code>{result.PlanCommit[..16]}…</code> before the first query</div>",
            .. result.Suspects.Select(s => Card(s, plan)),
            Correction(result),
            Meaning(plan),
            .. result.Suspects.Select((s, i) => Suspect(folder, plan, s, i, judge)),
            Swap(plan, result),
            Controls(result),
            Indications(result),
            Chain(plan, result, run),
        ];
        return Html.Page(title, string.Join('\n', sections));
    }

    private static string Card(SuspectResult s, AuditPlan plan)
    {
        string word = s.Verdict switch
        {
            Verdict.Shown => "Trained on the source's output: shown",
            Verdict.NotShown => "Not shown",
            _ => "No verdict",
        };
        string accounts = string.Join(
            ", ", s.Accounts.Where(a => a is { Shown: true, Account: not null }).Select(a => $"{Html.Text(a.Account!)} ({a.Ranks.FirstPlaces} of {a.Ranks.Ranks.Count})"));
        return $"""
            <div class="verdict{(s.Verdict == Verdict.Shown ? " bad" : "")}"><b>{word}</b>
            <p><strong>{Html.Text(s.Name)}</strong>. {Html.Text(s.Reason)}{(s.Verdict == Verdict.Shown && accounts.Length > 0 ? $" Pictures served to: {accounts}." : "")}</p></div>
            <div class="tiles">
            {Tile("Test", Html.Text(s.Primary), $"named in the committed plan, level {Html.P(plan.Alpha)}")}
            {Tile("p-value", Html.P(s.PValue), s.EValue is { } e ? $"E = {Power(e)}, shown from {Html.Number(1 / plan.Alpha, "0.#")} on" : "exact")}
            {Tile("Queries", $"{s.Queries}", s.EValue is null ? "" : s.QueriesToShown is { } n ? $"E was enough after {n}" : "E was never enough")}
            {Tile("Tested pictures that left a trace", s.Share is { } f ? Html.Percent(f) : "–", s.ShareInterval is { } i ? $"95 % interval {Html.Interval(i)}" : "")}
            </div>
            """;
    }

    private static string Meaning(AuditPlan plan) => plan.Served is not { } served ? "" :
        $"""
        <h2>What this means</h2>
        <div class="cols">
        <div><h3>The test</h3>
        <p>For each tested prompt the source had served one picture. It drew {served.Fresh} fresh ones, which it could have served just as well. A model that
        depends on no served picture cannot know which of the {served.Fresh + 1} was served: whatever it answers, the served one is the nearest in one of
        {served.Fresh + 1} cases. Nothing else is assumed: not what the suspect is, what it was trained on, or how its answers depend on each other.</p>
        <p>Such a model is accused in at most one of {Html.Number(1 / plan.Alpha, "0.#")} audits.{(plan.Sequential ? " The bet E may be looked at after every answer and stopped at any time." : "")}</p></div>
        <div><h3>What it does not mean</h3>
        <ul><li>“Shown” says that the suspect descends, directly or through other models, from pictures that were served. It does not say that this was
        unlawful.</li>
        <li>{ServedPlan.Completeness(served.CompleteLog)} No program can see it.</li>
        <li>“Not shown” is not “innocent”: each verdict says what a run of this size would have found.</li>
        <li>{(served.SeedsKnown ? "The log names the seed of every tested picture; all are distinct." : "The log names no seeds: that they were random and distinct is assumed, and the controls below would differ from chance if they were shared.")}</li></ul></div>
        </div>
        """;

    private static string Suspect(string folder, AuditPlan plan, SuspectResult s, int index, AuditJudge judge)
    {
        if (plan.Served is not { } served || s.Tests.FirstOrDefault(t => t.Ranks is not null)?.Ranks is not { } ranks) return "";
        var examiner = judge.Examiner()!;
        var rows = AuditInterview.Read(Path.Combine(folder, AuditPlaces.OfSuspect(plan, index)), plan, judge.Commit, s.Identity)
            .Where(a => a.Query < served.Asked.Count).Take(Shown)
            .Select(a => Row(served.Asked[a.Query], a.Answer.Image, a.Answer.Failure));
        return $"""
            <h2>{Html.Text(s.Name)}, answer by answer</h2>
            {Html.Figure(
                RankChart.Render($"Ranks of the served pictures by the answers of {s.Name}", ranks.Candidates, ranks.Ranks),
                $"{ranks.FirstPlaces} of {ranks.Ranks.Count} answers are nearest to the picture that was served.")}
            {Html.Figure(
                CapitalChart.Render($"The bet against chance by the answers of {s.Name}", [.. s.Accounts.Select(a => (a.Account ?? s.Name, a.Ranks.Capital))], plan.Alpha),
                "E starts at 1 and does not grow on average while the served picture is like any other.")}
            <p>The answer, then the served picture (framed) and its nearest fresh siblings, the nearest first; below each its distance from the answer, mirrored
            or moved by a sixteenth where that is nearer.</p>
            <div class="wide"><table><thead><tr><th class="n">#</th><th>prompt</th><th class="n">rank</th><th>answer</th><th>nearest</th></tr></thead><tbody>
            {string.Concat(rows.Select((row, i) => $"<tr><td class=\"n\">{i + 1}</td>{row}</tr>\n"))}</tbody></table></div>
            {(ranks.Ranks.Count > Shown ? $"<p class=\"note\">The first {Shown}; all are in {AuditPlaces.OfSuspect(plan, index)}.</p>" : "")}
            """;

        string Row(int number, RgbImage? answer, string? failure)
        {
            var trial = served.Trials[number];
            string prompt = $"<td class=\"p\">{Html.Text(trial.Prompt)}{(trial.Account is { } account ? $"<br><span class=\"note\">{Html.Text(account)}</span>" : "")}</td>";
            if (answer is null) return $"{prompt}<td class=\"n\">–</td><td colspan=\"2\"><span class=\"note\">{Html.Text(failure!)}</span></td>";
            var pictures = judge.PicturesOf(number);
            double[] distances = examiner.Distances(number, answer);
            int[] nearest = [.. Enumerable.Range(0, pictures.Length).Where(k => k != trial.Served).OrderBy(k => distances[k]).Take(Siblings).Append(trial.Served).OrderBy(k => distances[k]).ThenBy(k => k)];
            int rank = trial.Rank(distances);
            string strip = string.Concat(nearest.Select(k =>
                $"<figure{(k == trial.Served ? " class=\"served\"" : "")}>{Html.Image(pictures[k], k == trial.Served ? "served" : "fresh")}<figcaption>{Html.Number(distances[k])}</figcaption></figure>"));
            return $"{prompt}<td class=\"n\"><span class=\"{(rank == 1 ? "yes" : "no")}\">{rank}</span></td><td>{Html.Image(answer, "the answer")}</td><td><div class=\"row\">{strip}</div></td>";
        }
    }

    private static string Correction(AuditResult result) => result.Suspects.Count == 1 ? "" :
        $"<p>Correction over the {result.Suspects.Count} suspects: {result.Correction switch
        {
            Verdicts.Correction.Holm => "Holm's rule. That any of them is accused wrongly happens at most at the level.",
            Verdicts.Correction.EBenjaminiHochberg => "e-BH. Of those that are shown, the share that is accused wrongly is on average at most the level.",
            _ => "none. Each was judged by itself, so that each is accused wrongly at most at the level, and any of them more often.",
        }}</p>";

    private static string Swap(AuditPlan plan, AuditResult result) => !result.Suspects.Any(s => s.Tests.Any(t => t.Swap is not null)) ? "" :
        "<h2>Source and twins</h2><p>Twins were trained as the source was, with other seeds; any of them could have been deployed in its place. A suspect that does not "
        + "depend on which was resembles the source no more than the others. Its likeness is how far it errs as a model does, apart from what all have in common. "
        + (plan.Swap!.SourceReproduced switch
        {
            true => "Training with the source's own seed gave the source, bit for bit. ",
            false => "Training with the source's own seed gave another model: the twins are like the source only as far as that makes no difference. ",
            null => "The source's own seed is not known, so that its recipe could not be tried. ",
        })
        + "The owner states that the source was not picked out of several for its behaviour. “Shown” says that the suspect depends on the source, not that this was unlawful; “not shown” is not “innocent”.</p>"
        + Html.Table(
            ["suspect", "#likeness to the source", "#to the likest twin", "#prompts", "#source is likest", "#p"],
            result.Suspects.SelectMany(s => s.Tests.Where(t => t.Swap is not null).Select(t => (IReadOnlyList<string>)
            [
                Html.Text(s.Name), Html.Number(t.Swap!.Scores[0]), Html.Number(t.Swap.Scores.Skip(1).Max()), $"{t.Swap.Prompts}", Html.Number(t.Swap.Nearest, "0.#"),
                Html.P(t.PValue),
            ])));

    private static string Controls(AuditResult result) => result.Controls.Count == 0 ? "" :
        "<h2>Negative control</h2><p>Models that cannot know which pictures were served, asked the same prompts. Their ranks must look like chance on both sides; "
        + "else the log or the sampler is not what it seems, and there is no verdict.</p>"
        + Html.Table(
            ["model", "#nearest", "#p (near)", "#p (far)", ""],
            result.Controls.Select(c => (IReadOnlyList<string>)
            [
                Html.Text(c.Name), $"{c.Ranks.FirstPlaces} of {c.Ranks.Ranks.Count}", Html.P(c.PNear), Html.P(c.PFar),
                c.Passed ? "as by chance" : "<span class=\"yes\">not as by chance</span>",
            ]));

    private static string Indications(AuditResult result) => result.Suspects.All(s => s.Tests.All(t => t.Name == s.Primary)) ? "" :
        "<h2>Indications</h2><p>Further tests of the same answers. They make no verdict: the plan names one test, and only that one was committed to.</p>"
        + Html.Table(
            ["suspect", "test", "#statistic", "#p"],
            result.Suspects.SelectMany(s => s.Tests.Where(t => t.Name != s.Primary).Select(t => (IReadOnlyList<string>)
                [Html.Text(s.Name), Html.Text(t.Name), Html.Number(t.Statistic), Html.P(t.PValue)])));

    private static string Chain(AuditPlan plan, AuditResult result, RunManifest run) =>
        $"""
        <h2>Check it</h2>
        <p>Everything is in this folder. <code>cudattr evidence verify FOLDER --commit {result.PlanCommit}</code> hashes every file again and computes every
        distance, rank and p again, offline, bit for bit; <code>--commit</code> is the number that was known before the first query.</p>
        {Html.Table(
            ["chain", "attempt", "hash of the last answer"],
            result.Suspects.Select(s => (IReadOnlyList<string>)[Html.Text(s.Name), $"{s.Attempt}", $"<code>{s.Chain}</code>"])
                .Concat(result.Controls.Select(c => (IReadOnlyList<string>)[Html.Text(c.Name), "", $"<code>{c.Chain}</code>"])))}
        <pre>{Html.Text(ReportProse.CommandLine(run.CommandLine))}</pre>
        {ReportProse.RunTable(run, [("commitment", result.PlanCommit), .. plan.Served is { } served ? new[] { ("served log (Merkle root)", served.Log) } : []])}
        """;

    private static string Power(double e) => e < 1000 ? e.ToString("0.##", CultureInfo.InvariantCulture)
        : $"10<sup>{Math.Log10(e).ToString("0.#", CultureInfo.InvariantCulture)}</sup>";

    private static string Tile(string title, string figure, string note) =>
        $"<div class=\"tile\"><span>{title}</span><b>{figure}</b><span>{note}</span></div>";
}
