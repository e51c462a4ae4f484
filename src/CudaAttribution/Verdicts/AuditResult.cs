using System.Text.Json.Serialization;
using CudaAttribution.Answers;
using CudaAttribution.Served;
using CudaAttribution.Statistics;
using CudaAttribution.Twins;

namespace CudaAttribution.Verdicts;

/// <summary>One test of one model. What only one of the tests has is left out by the others.</summary>
public sealed record AuditTest
{
    public required string Name { get; init; }

    /// <summary>Exact under the test's hypothesis.</summary>
    public required double PValue { get; init; }

    public required double Statistic { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ServedTest? Ranks { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ServedKernelTest? Kernel { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public SourceSwapTest? Swap { get; init; }
}

/// <summary>The pictures of one account.</summary>
/// <param name="Account">Who was served; null where the log does not say.</param>
/// <param name="Shown">Whether these pictures were used, over all accounts at the plan's level.</param>
/// <param name="Ranks">The test.</param>
public sealed record AccountResult(string? Account, bool Shown, ServedTest Ranks);

/// <summary>What an audit found of one suspect.</summary>
public sealed record SuspectResult
{
    public required string Name { get; init; }

    public required string Identity { get; init; }

    public required Verdict Verdict { get; init; }

    /// <summary>The verdict's ground in words.</summary>
    public required string Reason { get; init; }

    /// <summary>Name of the test that the verdict rests on.</summary>
    public required string Primary { get; init; }

    /// <summary>Its p-value, over accounts; of a sequential run 1/E at its largest.</summary>
    public required double PValue { get; init; }

    /// <summary>E, the mean over accounts; null where the primary test has none.</summary>
    public required double? EValue { get; init; }

    /// <summary>log10 of this audit's own E, without those before; null where the primary test has none.</summary>
    public required double? OwnLog10E { get; init; }

    /// <summary>Queries that were asked.</summary>
    public required int Queries { get; init; }

    /// <summary>Queries after which E first was large enough; null where it never was.</summary>
    public required int? QueriesToShown { get; init; }

    /// <summary>f: estimated share of the tested pictures that left a trace; null without a served log.</summary>
    public required double? Share { get; init; }

    public required ShareInterval? ShareInterval { get; init; }

    /// <summary>The smallest share that a run of this size shows with power 0.9; null where it shows none, or has no served log.</summary>
    public required double? DetectableShare { get; init; }

    public required Usability Answers { get; init; }

    public required int Attempt { get; init; }

    public required IReadOnlyList<AccountResult> Accounts { get; init; }

    public required IReadOnlyList<AuditTest> Tests { get; init; }

    /// <summary>Hash of the last answer in the suspect's chain.</summary>
    public required string Chain { get; init; }
}

/// <summary>A model that cannot know the served pictures, judged as a suspect is.</summary>
public sealed record ControlResult
{
    public required string Name { get; init; }

    public required string Identity { get; init; }

    /// <summary>Whether its ranks are as uniform as they must be.</summary>
    public required bool Passed { get; init; }

    /// <summary>P(served pictures as near as they are).</summary>
    public required double PNear { get; init; }

    /// <summary>P(served pictures as far as they are).</summary>
    public required double PFar { get; init; }

    public required ServedTest Ranks { get; init; }

    public required string Chain { get; init; }
}

/// <summary>The file <c>audit.json</c>.</summary>
public sealed record AuditResult
{
    public const string FileName = "audit.json", CurrentSchema = "cudattr-audit-2";

    public string Schema { get; init; } = CurrentSchema;

    /// <summary>What was committed to before the first query.</summary>
    public required string PlanCommit { get; init; }

    public required double Alpha { get; init; }

    /// <summary>What keeps the level over several suspects.</summary>
    public required Correction Correction { get; init; }

    /// <summary>In the order of the plan.</summary>
    public required IReadOnlyList<SuspectResult> Suspects { get; init; }

    public required IReadOnlyList<ControlResult> Controls { get; init; }
}
