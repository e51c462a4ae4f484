using System.Globalization;
using System.Text;
using CudaAttribution.Experiments.Plans;
using CudaAttribution.Statistics;

namespace CudaAttribution.Experiments.Campaigns;

/// <summary>The tables of a campaign in Markdown: the file <c>calibration.md</c>.</summary>
public static class CalibrationPage
{
    public const string FileName = "calibration.md";

    public static string Render(CalibrationResult result, CalibrationRecipe recipe)
    {
        var page = new StringBuilder();
        page.AppendLine("## Models that depend on no served picture").AppendLine();
        page.AppendLine(
            $"{recipe.Logs} logs drawn anew for each model ({recipe.Queries} prompts, the served picture and {recipe.Fresh} fresh ones by chance of {recipe.Pictures}), "
            + $"and {recipe.SwapRoles} of the exchangeable models taken for the source. Each cell: alarms, and the 95 % interval of their rate.").AppendLine();
        Table(page, [.. result.Rows.Where(r => !r.Guilty)], last: null);
        page.AppendLine($"Above the level and two standard deviations, as about one in forty cells of exact tests is: {Cells(result.Above)}.");
        page.AppendLine($"Not to be explained by chance, all cells taken together (P at most 0.01): {Cells(result.Excesses)}.");
        page.AppendLine().AppendLine("## Models that were trained on served pictures").AppendLine();
        page.AppendLine("One test for each model. Each cell: models accused, and the 95 % interval of the power.").AppendLine();
        Table(page, [.. result.Rows.Where(r => r.Guilty)], "median queries to shown at 0.01");
        page.AppendLine("| group | ρ | n | served to the account | prompts asked |").AppendLine("|---|---|---|---|---|");
        foreach (var g in recipe.Guilty) page.AppendLine(Text($"| {g.Name} | {g.Rho} | {g.Count} | {g.Served} | {g.Queries} |"));
        return page.ToString();
    }

    private static void Table(StringBuilder page, IReadOnlyList<CalibrationRow> rows, string? last)
    {
        string[] head = ["group", "test", "models", "tests", .. Calibration.Levels.Select(a => Text($"at {a}")), .. last is null ? Array.Empty<string>() : [last]];
        page.AppendLine($"| {string.Join(" | ", head)} |").AppendLine($"|{string.Concat(head.Select(_ => "---|"))}");
        foreach (var row in rows)
        {
            string[] cells =
            [
                row.Group, row.Test, $"{row.Models}", $"{row.Tests}", .. row.Rates.Select(r => $"{r.Alarms} ({Interval(r.Interval)})"),
                .. last is null ? Array.Empty<string>() : [row.MedianQueries is { } n ? Text($"{n}") : ""],
            ];
            page.AppendLine($"| {string.Join(" | ", cells)} |");
        }
        page.AppendLine();
    }

    private static string Cells(IEnumerable<(CalibrationRow Row, AlarmRate Rate)> rates)
    {
        string cells = string.Join("; ", rates.Select(e => Text($"{e.Row.Group}, {e.Row.Test}, {e.Rate.Alpha}: {e.Rate.Alarms} of {e.Row.Tests}")));
        return cells.Length == 0 ? "none" : cells;
    }

    private static string Interval(ShareInterval i) => Text($"{i.Low:0.000} to {i.High:0.000}");

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
