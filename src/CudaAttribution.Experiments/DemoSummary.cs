using CudaAttribution.Keys;
using CudaAttribution.Populations;

namespace CudaAttribution.Experiments;

/// <summary>One line of the demo's table.</summary>
/// <param name="Name">The suspect.</param>
/// <param name="Rho">ρ, as it was built.</param>
/// <param name="Innocent">Whether it was built without the source's output.</param>
/// <param name="Family">What it was trained on: <c>generated</c>, <c>generated+real-other</c>, <c>real-own</c>, ...</param>
/// <param name="Conf">conf.</param>
/// <param name="Hits">Hits.</param>
/// <param name="N">Keys.</param>
/// <param name="Paired">Share of keys closer to the source.</param>
/// <param name="PValue">p of the published rule.</param>
/// <param name="Verdict">What it says, <see cref="DemoVerdict"/>.</param>
/// <param name="Regime">Prompt regime.</param>
/// <param name="Kappa">κ.</param>
/// <param name="ConfPValue">Rank p of conf.</param>
/// <param name="PairedPValue">Rank p of paired.</param>
/// <param name="Folder">Result folder, relative to the summary.</param>
public sealed record DemoSuspect(
    string Name, double Rho, bool Innocent, string Family, double Conf, int Hits, int N, double Paired, double PValue, string Verdict,
    PromptRegime Regime, double? Kappa, double? ConfPValue, double? PairedPValue, string Folder);

/// <summary>How long a stage took.</summary>
public sealed record DemoStageTime(string Stage, double Seconds, bool Reused);

/// <summary>The demo's outcome: the file <c>summary.json</c>.</summary>
public sealed record DemoSummary
{
    public const string FileName = "summary.json";

    public string Schema { get; init; } = "cudattr-demo-summary-1";

    /// <summary>Seconds of this run, from the first check to the last file but this one.</summary>
    public required double Seconds { get; init; }

    /// <summary>True where a killed run was continued; <see cref="Seconds"/> then is the time of the continuation.</summary>
    public required bool Resumed { get; init; }

    public required ulong Seed { get; init; }

    public required KeyStrategy Strategy { get; init; }

    public required string KeysetSha256 { get; init; }

    public required IReadOnlyList<DemoSuspect> Suspects { get; init; }

    public required IReadOnlyList<DemoStageTime> Stages { get; init; }
}
