using CudaAttribution.Keys;
using CudaAttribution.Populations;
using CudaAttribution.Verdicts;

namespace CudaAttribution.Experiments;

/// <summary>Pictures of one account whose use is shown.</summary>
/// <param name="Account">Who was served.</param>
/// <param name="Nearest">Answers that are nearest to the picture that was served.</param>
/// <param name="Of">Pictures that were tested.</param>
public sealed record DemoFound(string Account, int Nearest, int Of);

/// <summary>One line of the demo's table.</summary>
/// <param name="Name">The suspect.</param>
/// <param name="Rho">ρ, as it was built.</param>
/// <param name="Innocent">Whether it was built without the source's output.</param>
/// <param name="Family">What it was trained on: <c>generated</c>, <c>generated+real-other</c>, <c>real-own</c>, <c>twin</c>, ...</param>
/// <param name="Verdict">The audit's verdict.</param>
/// <param name="PValue">p of its primary test, served against fresh.</param>
/// <param name="EValue">E of the same.</param>
/// <param name="Queries">Prompts that were asked.</param>
/// <param name="QueriesToShown">Queries after which E was enough; null where it never was.</param>
/// <param name="Found">Of each account whose pictures are shown to have been used, how many were found.</param>
/// <param name="SwapPValue">p of source swap.</param>
/// <param name="Conf">conf, of the published method.</param>
/// <param name="Hits">Hits.</param>
/// <param name="N">Keys.</param>
/// <param name="Paired">Share of keys closer to the source.</param>
/// <param name="PublishedAccuses">Whether the published rule accuses; null where too many answers are unusable.</param>
/// <param name="ConfPValue">p of conf by ranks; null without enough reference innocents.</param>
/// <param name="PairedPValue">The same of paired.</param>
/// <param name="Regime">How its prompts were drawn.</param>
/// <param name="Kappa">κ: share of the key prompts in the suspect's training set.</param>
/// <param name="Folder">Folder of the indications, relative to the summary.</param>
public sealed record DemoSuspect(
    string Name, double Rho, bool Innocent, string Family, Verdict Verdict, double PValue, double? EValue, int Queries, int? QueriesToShown,
    IReadOnlyList<DemoFound> Found, double? SwapPValue, double Conf, int Hits, int N, double Paired, bool? PublishedAccuses,
    double? ConfPValue, double? PairedPValue, PromptRegime Regime, double? Kappa, string Folder);

/// <summary>How long a stage took.</summary>
public sealed record DemoStageTime(string Stage, double Seconds, bool Reused);

/// <summary>The demo's outcome: the file <c>summary.json</c>.</summary>
public sealed record DemoSummary
{
    public const string FileName = "summary.json";

    public string Schema { get; init; } = "cudattr-demo-summary-2";

    /// <summary>Seconds of this run, from the first check to the last file but this one.</summary>
    public required double Seconds { get; init; }

    /// <summary>True where a killed run was continued; <see cref="Seconds"/> then is the time of the continuation.</summary>
    public required bool Resumed { get; init; }

    public required ulong Seed { get; init; }

    /// <summary>α of the audit.</summary>
    public required double Alpha { get; init; }

    /// <summary>What the audit committed to before its first query.</summary>
    public required string PlanCommit { get; init; }

    public required KeyStrategy Strategy { get; init; }

    public required string KeysetSha256 { get; init; }

    public required IReadOnlyList<DemoSuspect> Suspects { get; init; }

    public required IReadOnlyList<DemoStageTime> Stages { get; init; }
}
