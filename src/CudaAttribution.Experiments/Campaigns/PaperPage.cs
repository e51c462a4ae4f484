using System.Globalization;
using CudaAttribution.Experiments.Plans;
using CudaAttribution.Keys;
using CudaAttribution.Reports;
using CudaAttribution.Reports.Charts;
using CudaAttribution.Shadows;

namespace CudaAttribution.Experiments.Campaigns;

/// <summary>The tables and figures of the experiments as one offline page, and each table as CSV.</summary>
public static class PaperPage
{
    public const string FileName = "report.html";

    /// <summary>The tables, by file name.</summary>
    public static IEnumerable<(string File, string Text)> Csv(PaperResult result)
    {
        foreach (var table in Tables(result))
            yield return ($"{table.Name}.csv", string.Concat(table.Rows.Prepend(table.Head).Select(row => string.Join(',', row) + "\n")));
    }

    public static string Render(PaperResult result, PaperRecipe recipe)
    {
        int models = recipe.Sources.Count * ((recipe.Regimes.Count * recipe.Rhos.Count * recipe.Models) + recipe.Families.Sum(f => f.Models));
        string body =
            $"""
            <h1>Attribution by memorised samples, in a world of small models</h1>
            <div class="sub">The experiments of Zhang et al. (2024): sources {Html.Text(string.Join(", ", recipe.Sources.Select(s => s.Name)))}; {models} test models, {2 * recipe.Shadows.Each} shadow models of each source, {recipe.Keys.Count} keys, seed {result.Seed}</div>
            <p>conf is the share of the keys that a model reproduces. The paper reads it as guilt. Families of innocents that its experiments do not have stand beside its own:
            models that were lawfully trained on the source's real pictures.</p>
            <h2>What must hold where the paper's findings do</h2>
            {Html.Table(["experiment", "statement", "here", "figures"], result.Findings.Select(c => new[] { c.Experiment, Html.Text(c.Statement), c.Held ? "held" : "<span class=\"yes\">not held</span>", Html.Text(c.Figure) }))}
            {string.Concat(recipe.Sources.Select(s => Source(result, s.Name)))}
            {string.Concat(Tables(result).Select(Table))}
            """;
        return Html.Page("Attribution by memorised samples", body);
    }

    private static string Source(PaperResult result, string source)
    {
        var rows = result.Conf.Where(r => r.Source == source).ToArray();
        string charts = string.Concat(rows.Where(r => r.Kappa is not null).Select(r => r.Group).Distinct().Select(regime => Html.Figure(
            LineChart.Render(
                $"conf against rho, {source}, {regime}", "ρ", "mean conf",
                [.. PaperPlan.Strategies.Select(s => (Name(s), Points(rows.Where(r => r.Strategy == s && (r.Group == regime)))))]),
            $"E1, {source}, prompts {regime}: mean conf of the infringing models by the keys of each strategy. Innocents: "
            + string.Join(", ", rows.Where(r => r.Kappa is null && r.Strategy == KeyStrategy.Generate).Select(r => Text($"{r.Group} {r.Conf:0.00}"))) + " (Strategy 2).")));
        string counts = Html.Figure(
            LineChart.Render(
                $"conf against the number of keys, {source}", "keys", "mean conf",
                [
                    .. result.KeyCounts.Where(r => r.Source == source).GroupBy(r => Text($"{r.Group}{(r.Rho > 0 ? $" {r.Rho}" : "")}")).Take(8)
                        .Select(g => (g.Key, (IReadOnlyList<(double, double)>)[.. g.Select(r => ((double)r.Keys, r.Conf))])),
                ]),
            $"E5, {source}: conf of the best N keys of Strategy 2.");
        return $"<h2>{Html.Text(source)}</h2>{charts}{counts}";

        static IReadOnlyList<(double, double)> Points(IEnumerable<ConfRow> rows) => [.. rows.OrderBy(r => r.Rho).Select(r => (r.Rho, r.Conf))];
    }

    private static string Table((string Name, string[] Head, IEnumerable<string[]> Rows) table) =>
        $"<h2>{Html.Text(table.Name)}</h2><div class=\"wide\">{Html.Table(table.Head, table.Rows.Select(row => row.Select(Html.Text).ToArray()))}</div>";

    private static IEnumerable<(string Name, string[] Head, IEnumerable<string[]> Rows)> Tables(PaperResult result)
    {
        yield return (
            "e1-conf", ["source", "group", "rho", "strategy", "models", "conf", "least", "most", "kappa"],
            result.Conf.Select(r => new[]
            {
                r.Source, r.Group, Text($"{r.Rho}"), Name(r.Strategy), $"{r.Models}", Text($"{r.Conf:0.000}"), Text($"{r.Least:0.000}"), Text($"{r.Most:0.000}"),
                r.Kappa is { } kappa ? Text($"{kappa:0.00}") : "",
            }));
        yield return (
            "e3-statistical", ["source", "infringing", "models", "innocents", "accuracy", "interval", "AUC", "interval", "TPR at FPR 0.1", "interval"],
            result.Statistical.Select(r => new[] { r.Source, r.Group, $"{r.Metrics.Infringing}", $"{r.Metrics.Innocent}" }
                .Concat(new[] { r.Metrics.Accuracy, r.Metrics.Auc, r.Metrics.TprAtTenPercent }.SelectMany(Cells)).ToArray()));
        yield return (
            "e6-alarms", ["source", "family", "models", "called infringing"],
            result.Alarms.Select(r => new[] { r.Source, Populations.InnocentFamilies.Name(r.Family), $"{r.Models}", $"{r.Alarms}" }));
        yield return (
            "e4-bins", ["source", "group", "rho", "up to 0.1", "to 0.15", "to 0.2", "above", "mean", "best"],
            result.Bins.Select(r => new[] { r.Source, r.Group, Text($"{r.Rho}") }.Concat(r.Shares.Select(s => Text($"{s:0.000}")))
                .Concat([Text($"{r.Mean:0.000}"), Text($"{r.Best:0.000}")]).ToArray()));
        yield return (
            "e5-keys", ["source", "group", "rho", "keys", "conf"],
            result.KeyCounts.Select(r => new[] { r.Source, r.Group, Text($"{r.Rho}"), $"{r.Keys}", Text($"{r.Conf:0.000}") }));

        static IEnumerable<string> Cells(Estimate e) => [Text($"{e.Value:0.000}"), Text($"{e.Interval.Low:0.00} to {e.Interval.High:0.00}")];
    }

    private static string Name(KeyStrategy strategy) => strategy switch
    {
        KeyStrategy.Generate => "Strategy 2",
        KeyStrategy.Detect => "Strategy 1",
        KeyStrategy.Random => "random",
        _ => throw new ArgumentOutOfRangeException(nameof(strategy), strategy, "unknown strategy"),
    };

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
