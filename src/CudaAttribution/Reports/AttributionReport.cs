using System.Globalization;
using CudaAttribution.Evidence;
using CudaAttribution.Keys;
using CudaAttribution.Populations;
using CudaAttribution.Reports.Charts;

namespace CudaAttribution.Reports;

/// <summary>
/// The page of one examined suspect: what an indication is and the indications on top, every figure with its meaning, every key with its pictures, and
/// how to run it again.
/// </summary>
public static class AttributionReport
{
    public static string Render(AttributionRun run, ReportContext context)
    {
        var r = run.Result;
        string[] sections =
        [
            Head(r, context), Published(r), Indications(r), Discriminator(r), ReportProse.Meaning(r, run.Nulls), Distances(run), KeyTable(run),
            RemoteService.Section(r), Losses(context), Rerun(r, context),
        ];
        return Html.Page($"Indications about {r.Suspect}", string.Join('\n', sections));
    }

    private const string Repeatable =
        "The figures depend on the keys, the suspect, the references and the seed only: the same command gives the same result.json, bit for bit.";

    private const string Recorded =
        "A service need not give the same answers again. Its answers are in this folder: the same command into the same folder gives the "
        + "same result.json from them, bit for bit, and asks nothing.";

    private static string Head(AttributionResult r, ReportContext context) =>
        $"""
        <h1>What indicates that “{Html.Text(r.Suspect)}” was trained on the source's pictures?</h1>
        <div class="sub">{ReportProse.RunLine(context.Run)} · suspect {Html.Text(Short(r.SuspectIdentity))} ·
        keys {Html.Text(Short(r.KeysetSha256))}</div>
        <div class="verdict"><b>{(r.Unusable is null ? "Indications, no verdict" : "No p-values")}</b>
        <p>{(r.Unusable is null ? "" : $"{Html.Text(r.Unusable.ToString())}. What is left is no ground for any p-value. ")}An indication counts what the
        suspect's answers have of the source's pictures, and ranks that count among models that never saw an output of the source. A high count says that the
        suspect shares pictures, recipe or output with the source, and not which: lawful models can have it. Indications make no verdict;
        <code>cudattr audit</code> gives one.</p></div>
        """;

    private static string Published(AttributionResult r)
    {
        if (r.Published is not { } p) return "";
        string needed = p.Needed is { } n ? $"{n} of {r.Conf.Trials} would be enough" : $"not even {r.Conf.Trials} of {r.Conf.Trials} would be enough";
        return $"""
            <div class="verdict"><b>The published rule {(p.Accuses ? "accuses" : "does not accuse")}</b>
            <p>{p.Hits} of {r.Conf.Trials} keys are hit; {needed}, were an innocent model to hit each key with a chance of {Html.Number(100 * p.Rate, "0.#")} %
            (Zhang et al. 2024, table 2): p = {Html.P(p.P)} at level {Html.P(r.Alpha)}. This rule accuses lawful models too: one that learnt the same real
            pictures in the same way never saw a picture of the source and hits as many keys. It is printed to show what the paper's rule would say.</p></div>
            """;
    }

    private static string Discriminator(AttributionResult r) => r.Discriminator is not { } d
        ? ""
        : $"""
        <h2>Discriminator</h2>
        <p>Score {Html.Number(d.Score, "0.00")}, {(d.Infringing ? "above" : "not above")} the threshold {Html.Number(d.Threshold, "0.00")}: by features of its
        answers the suspect is {(d.Infringing ? "more like shadow models that learned from the source's pictures" : "more like shadow models that did not")}. It tells its own shadows apart, each held out,
        with an AUC of {Html.Number(d.HeldOutAuc, "0.00")}{(d.HeldOutAuc > 0.5 ? "" : ": the score says nothing")}. What no
        shadow was like, such as a lawful model of the source's own real pictures, may score on either side; a score makes no verdict.</p>
        """;

    private static string Indications(AttributionResult r)
    {
        string[] without = [.. r.Indications.Select(i => i.WithoutP).OfType<string>().Distinct()];
        string calibrated = r.Calibrated is { } c
            ? $"<code>{Indication.ConfCalibrated}</code>: answers within {Html.Number(c.Threshold)}, the threshold at which {Html.Number(100 * c.Quantile, "0.#")} % of "
                + $"{c.Distances} answers of CAL innocents are hits. "
            : "";
        return $"""
            <div class="wide">{Html.Table(
                ["indication", "#answers", "#p", "#share", $"#{Html.Percent(r.IntervalLevel)} interval", "#model-based, not a p-value"],
                r.Indications.Select(i => (IReadOnlyList<string>)
                [
                    i.Name,
                    $"{i.Count} of {i.Trials}",
                    i.PValue is { } p ? $"<b>{Html.P(p)}</b>" : "none",
                    Html.Percent(i.Share),
                    Html.Interval(i.Interval),
                    i.ModelBased is { } m ? $"{Html.P(m.PLow)} to {Html.P(m.PHigh)}" : "–",
                ]))}</div>
            {string.Concat(without.Select(w => $"<p><b>No p</b>: {Html.Text(w)}.</p>"))}
            <p class="note"><code>{Indication.Conf}</code>: answers within {Html.Number(r.Threshold, "0.###")} of the key's reference picture.
            {calibrated}<code>{Indication.Paired}</code>: answers closer to the source's picture than to the real picture it learnt from.</p>
            {(r.Indications.All(i => i.Families.All(f => f.References == 0)) ? "" : Ranks(r))}
            """;
    }

    private static string Ranks(AttributionResult r) =>
        $"""
        <div class="wide">{Html.Figure(
            IndicationChart.Render("The suspect's counts among those of the reference innocents, family by family", r.Indications),
            "Dots are reference innocents, those with one count together with their number; the line is the suspect. Rank p = (1 + references at or right of "
            + "the line) / (m + 1), and an indication's p is the largest over "
            + $"{string.Join(", ", InnocentFamilies.Required.Select(f => f.Name()))}, each of which needs 1 / (m + 1) ≤ {Html.Number(r.Alpha, "0.######")}.")}</div>
        """;

    private static string Distances(AttributionRun run)
    {
        var r = run.Result;
        double[] Of(Func<NullModel, bool> member) =>
            [.. (run.Nulls?.Of(InnocentSplit.Null) ?? []).Where(member).SelectMany(m => m.Distances.Where((_, i) => run.Keys.Keys[i].ForConfidence))];
        var thresholds = new List<(string, double)> { ("δ0", r.Threshold) };
        string chart = HistogramChart.Render(
            "Distances of the suspect's and the innocents' answers",
            [
                ("suspect", ChartColours.Suspect, [.. r.Keys.Where(k => k.Failure is null).Select(k => k.Distance)]),
                ("innocents", ChartColours.Innocent, Of(m => InnocentFamilies.Confidence.Contains(m.Family))),
                (
                    "trained on the same real pictures", ChartColours.Source,
                    Of(m => m.Family is InnocentFamily.RealOwn or InnocentFamily.Twin)),
            ],
            thresholds);
        return "<h2>Distances</h2>" + Html.Figure(
            chart,
            $"Metric {r.Metric}: 0 is the same picture. Answers left of δ0 are hits. All groups but the suspect are "
            + "lawful, also the one that was trained on the same real pictures."
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
            <div class="wide"><table><thead><tr><th class="n">#</th><th>prompt</th><th>training picture</th><th>source's picture</th><th>suspect's answer</th>
            <th class="n">distance</th><th></th><th class="n">to training</th><th class="n">to source</th><th>closer to</th></tr></thead><tbody>
            {string.Concat(rows)}</tbody></table></div>
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
