using System.Globalization;
using CudaAttribution.KernelReport.Bench;

namespace CudaAttribution.KernelReport.Page;

/// <summary>The tables of launches at the benchmark's shapes.</summary>
public static class PredictionTable
{
    public const string Heading = "## Benchmark shapes";
    public const string WorstHeading = "## Ten worst";

    /// <summary>Launches of less are not listed: what matters of them is how many there are.</summary>
    public const double LeastSeconds = 2e-5;

    private const int WorstCount = 10;

    /// <summary>The launches in their order, equal ones of a case as one row.</summary>
    public static MarkdownTable Of(IReadOnlyList<Prediction> predictions) => new(
        ["case", "kernel", "launches", "blocks", "waves", "us", "floor us", "limit", "of floor %"],
        [
            .. predictions.Where(p => p.Seconds >= LeastSeconds).GroupBy(KeyOf).Select(g => (IReadOnlyList<string>)
            [
                g.Key.Case, g.Key.Kernel, Text(g.Count()), Text(g.First().Launch.Blocks), Text(g.First().Waves),
                Micro(g.First().Seconds), Micro(g.First().Floor), g.First().Limit, Text(double.Round(100 * g.First().Floor / g.First().Seconds)),
            ]),
        ]);

    /// <summary>The ten kernels that lose most in one of their launches.</summary>
    public static MarkdownTable Worst(IReadOnlyList<Prediction> predictions) => new(
        ["kernel", "lost us", "us", "floor us", "limit", "blocks", "case"],
        [
            .. predictions.GroupBy(p => p.Launch.Kernel).Select(g => g.MaxBy(p => p.Lost)!).OrderByDescending(p => p.Lost).Take(WorstCount)
                .Select(p => (IReadOnlyList<string>)
                    [p.Launch.Kernel, Micro(p.Lost), Micro(p.Seconds), Micro(p.Floor), p.Limit, Text(p.Launch.Blocks), p.Launch.Case]),
        ]);

    /// <summary>Microseconds by case, kernel and position among its rows.</summary>
    /// <exception cref="InvalidDataException">A cell is not what it should be.</exception>
    public static IReadOnlyDictionary<string, double> Read(MarkdownTable table)
    {
        Dictionary<string, double> launches = new(StringComparer.Ordinal);
        foreach (var row in table.Rows)
        {
            string key = $"{row[0]}: {row[1]} of {table.Cell(row, "blocks")} blocks";
            if (!double.TryParse(table.Cell(row, "us"), CultureInfo.InvariantCulture, out double value)) throw new InvalidDataException($"{key}: no time");
            // The same grid may stand for two pieces of work of a case.
            for (int again = 2; !launches.TryAdd(key, value); again++) key = $"{row[0]}: {row[1]} of {table.Cell(row, "blocks")} blocks, number {again}";
        }
        return launches;
    }

    private static (string Case, string Kernel, long Blocks, double Seconds) KeyOf(Prediction p) =>
        (p.Launch.Case, p.Launch.Kernel, p.Launch.Blocks, p.Seconds);

    private static string Micro(double seconds) => Text(seconds * 1e6);

    private static string Text(double value) => value.ToString(value < 10 ? "0.##" : value < 100 ? "0.#" : "0", CultureInfo.InvariantCulture);
}
