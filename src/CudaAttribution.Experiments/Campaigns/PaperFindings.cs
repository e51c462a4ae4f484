using System.Globalization;
using CudaAttribution.Keys;
using CudaAttribution.Populations;

namespace CudaAttribution.Experiments.Campaigns;

/// <summary>The findings of Zhang et al. (2024), and what our reading of the method says beside them, each put to the tables.</summary>
internal static class PaperFindings
{
    private static readonly string Forced = "forced", Natural = "natural";

    public static IEnumerable<Finding> Of(PaperResult result)
    {
        foreach (string source in result.Conf.Select(r => r.Source).Distinct())
        {
            ConfRow[] rows = [.. result.Conf.Where(r => r.Source == source)];
            foreach (string regime in rows.Where(r => r.Kappa is not null).Select(r => r.Group).Distinct())
            {
                var (generate, detect, random) = (Conf(rows, regime, KeyStrategy.Generate), Conf(rows, regime, KeyStrategy.Detect), Conf(rows, regime, KeyStrategy.Random));
                yield return new(
                    "E1", $"{source}, {regime}: conf of Strategy 2 rises with rho", generate.Zip(generate.Skip(1)).All(p => p.First.Conf <= p.Second.Conf), List(generate));
                yield return new(
                    "E1", $"{source}, {regime}: Strategy 2 is 0.2 above random keys at every rho", generate.Zip(random).All(p => p.First.Conf - p.Second.Conf >= 0.2),
                    $"differences {string.Join(", ", generate.Zip(random).Select(p => Text($"{p.First.Conf - p.Second.Conf:0.00}")))}");
                yield return new(
                    "E1", $"{source}, {regime}: Strategy 2 is at least Strategy 1, and that at least random keys",
                    generate.Zip(detect).All(p => p.First.Conf >= p.Second.Conf) && detect.Zip(random).All(p => p.First.Conf >= p.Second.Conf),
                    $"Strategy 1 {List(detect)}; random {List(random)}");
            }
            if (Conf(rows, Forced, KeyStrategy.Generate).FirstOrDefault(r => r.Rho == 0.3) is { } third)
                yield return new("E2", $"{source}: conf of Strategy 2 above 0.6 at rho 0.3, forced", third.Conf > 0.6, Text($"{third.Conf:0.00}"));
            foreach (var row in result.Bins.Where(r => r.Source == source && r.Group == InnocentFamily.RealOther.Name()))
                yield return new(
                    "E4", $"{source}: at most a tenth of the distances of innocents (real-other) are below 0.15", row.Shares[0] + row.Shares[1] <= 0.1,
                    Text($"{row.Shares[0] + row.Shares[1]:0.00}"));
            KeysRow[] counts = [.. result.KeyCounts.Where(r => r.Source == source && r.Group == Natural && r.Rho == 1)];
            if (counts.Length > 1)
                yield return new(
                    "E5", $"{source}: the share of hits does not rise with the number of keys (natural, rho 1)", counts[^1].Conf <= counts[0].Conf,
                    string.Join(", ", counts.Select(c => Text($"{c.Conf:0.00} of {c.Keys}"))));
        }
        foreach (var row in result.Statistical)
        {
            var m = row.Metrics;
            yield return new("E3", $"{row.Source}, {row.Group}: accuracy above 0.85", m.Accuracy.Value > 0.85, Text($"{m.Accuracy.Value:0.00}"));
            yield return new("E3", $"{row.Source}, {row.Group}: AUC above 0.8", m.Auc.Value > 0.8, Text($"{m.Auc.Value:0.00}"));
            yield return new(
                "E3", $"{row.Source}, {row.Group}: TPR above 0.7 at an FPR of 0.1", m.TprAtTenPercent.Value > 0.7, Text($"{m.TprAtTenPercent.Value:0.00}"));
        }
        foreach (var row in result.Alarms.Where(a => a.Family is InnocentFamily.RealOwn or InnocentFamily.Twin))
            yield return new(
                "E6", $"{row.Source}: the discriminator accuses none of {row.Family.Name()}", row.Alarms == 0, $"{row.Alarms} of {row.Models}");
    }

    private static ConfRow[] Conf(ConfRow[] rows, string group, KeyStrategy strategy) =>
        [.. rows.Where(r => r.Group == group && r.Strategy == strategy).OrderBy(r => r.Rho)];

    private static string List(IEnumerable<ConfRow> rows) => string.Join(", ", rows.Select(r => Text($"{r.Conf:0.00} at {r.Rho}")));

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
