using CudaAttribution.Keys;
using CudaAttribution.Populations;
using CudaAttribution.Shadows;

namespace CudaAttribution.Experiments.Campaigns;

/// <summary>conf of the models of one group by the keys of one strategy (Zhang et al. 2024, figure 6).</summary>
/// <param name="Source">The source.</param>
/// <param name="Group">A regime, or a family of innocents.</param>
/// <param name="Rho">ρ.</param>
/// <param name="Strategy">How the keys were chosen.</param>
/// <param name="Models">Models.</param>
/// <param name="Conf">Mean of their conf.</param>
/// <param name="Least">The smallest.</param>
/// <param name="Most">The largest.</param>
/// <param name="Kappa">κ: mean share of these keys among their training prompts; null of families, which are not known by it.</param>
public sealed record ConfRow(
    string Source, string Group, double Rho, KeyStrategy Strategy, int Models, double Conf, double Least, double Most, double? Kappa);

/// <summary>Shares of the distances of one group from the keys of Strategy 2, by bins that end at 0.1, 0.15, 0.2 and 1 (Zhang et al. 2024, table 2).</summary>
public sealed record BinsRow(string Source, string Group, double Rho, IReadOnlyList<double> Shares, double Mean, double Best);

/// <summary>conf of the first N keys of Strategy 2 (Zhang et al. 2024, figure 7).</summary>
public sealed record KeysRow(string Source, string Group, double Rho, int Keys, double Conf);

/// <summary>The statistical level for one source (Zhang et al. 2024, table 1).</summary>
/// <param name="Source">The source.</param>
/// <param name="Group">Regime of the infringing test models.</param>
/// <param name="Metrics">Against the innocents of real-other, which the shadows are like.</param>
public sealed record StatisticalRow(string Source, string Group, ClassifierMetrics Metrics);

/// <summary>How many innocents of a family a discriminator calls infringing.</summary>
public sealed record AlarmRow(string Source, InnocentFamily Family, int Models, int Alarms);

/// <summary>What must hold where the paper's findings do.</summary>
/// <param name="Experiment">E1 to E5.</param>
/// <param name="Statement">What.</param>
/// <param name="Held">Whether it does here.</param>
/// <param name="Figure">The figures.</param>
public sealed record Finding(string Experiment, string Statement, bool Held, string Figure);

/// <summary>What the experiments of Zhang et al. (2024) give in a world of small models: the file <c>paper.json</c>.</summary>
public sealed record PaperResult
{
    public const string FileName = "paper.json", CurrentSchema = "cudattr-paper-1";

    public string Schema { get; init; } = CurrentSchema;

    public required ulong Seed { get; init; }

    public required IReadOnlyList<ConfRow> Conf { get; init; }

    public required IReadOnlyList<BinsRow> Bins { get; init; }

    public required IReadOnlyList<KeysRow> KeyCounts { get; init; }

    public required IReadOnlyList<StatisticalRow> Statistical { get; init; }

    public required IReadOnlyList<AlarmRow> Alarms { get; init; }

    public required IReadOnlyList<Finding> Findings { get; init; }
}
