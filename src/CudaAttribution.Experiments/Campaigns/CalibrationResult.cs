using CudaAttribution.Statistics;

namespace CudaAttribution.Experiments.Campaigns;

/// <summary>How often a test accused.</summary>
/// <param name="Alpha">At this level.</param>
/// <param name="Alarms">How often.</param>
/// <param name="Interval">Interval of the rate by Clopper and Pearson, 95 %.</param>
public sealed record AlarmRate(double Alpha, int Alarms, ShareInterval Interval);

/// <summary>One test on one group of models.</summary>
/// <param name="Group">The group.</param>
/// <param name="Guilty">Whether its models were trained on served pictures.</param>
/// <param name="Test">The test.</param>
/// <param name="Models">Models.</param>
/// <param name="Tests">Tests: logs that were drawn anew, or exchangeable models that were taken for the source, over all models.</param>
/// <param name="Rates">At each level.</param>
/// <param name="MedianQueries">Of the sequential test of a guilty group: half of the models were shown at 0.01 after so many queries; null where fewer were.</param>
public sealed record CalibrationRow(
    string Group, bool Guilty, string Test, int Models, int Tests, IReadOnlyList<AlarmRate> Rates, double? MedianQueries);

/// <summary>What a campaign found: the file <c>calibration.json</c>.</summary>
public sealed record CalibrationResult
{
    public const string FileName = "calibration.json", CurrentSchema = "cudattr-calibration-1";

    public string Schema { get; init; } = CurrentSchema;

    public required ulong Seed { get; init; }

    public required IReadOnlyList<CalibrationRow> Rows { get; init; }

    /// <summary>Rates of innocents that chance does not explain: of all of them together at most one in a hundred campaigns has one.</summary>
    public IEnumerable<(CalibrationRow Row, AlarmRate Rate)> Excesses
    {
        get
        {
            var all = Innocent.ToArray();
            return all.Where(r => r.Rate.Alarms > 0 && SpecialFunctions.RegularizedBeta(r.Rate.Alarms, r.Row.Tests - r.Rate.Alarms + 1, r.Rate.Alpha) <= 0.01 / all.Length);
        }
    }

    /// <summary>Rates of innocents above the level and two standard deviations: of exact ones about one in forty, by chance.</summary>
    public IEnumerable<(CalibrationRow Row, AlarmRate Rate)> Above =>
        Innocent.Where(r => r.Rate.Alarms > (r.Rate.Alpha * r.Row.Tests) + (2 * Math.Sqrt(r.Row.Tests * r.Rate.Alpha * (1 - r.Rate.Alpha))));

    private IEnumerable<(CalibrationRow Row, AlarmRate Rate)> Innocent => Rows.Where(r => !r.Guilty).SelectMany(r => r.Rates, (row, rate) => (row, rate));
}
