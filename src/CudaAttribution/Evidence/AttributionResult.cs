using System.Text.Json.Serialization;
using CudaAttribution.Answers;
using CudaAttribution.Keys;
using CudaAttribution.Populations;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Manifests;
using CudaAttribution.Statistics;

namespace CudaAttribution.Evidence;

/// <summary>The verdicts there are. A model is never called innocent (docs/method.md "Tests").</summary>
public static class Verdict
{
    public const string Infringing = "infringing";
    public const string NotShown = "not shown";

    /// <summary>The answers are no ground for any.</summary>
    public const string NoVerdict = "no verdict";
}

/// <summary>One key's outcome.</summary>
/// <param name="Prompt">The prompt.</param>
/// <param name="Distance">Distance of the answer from the key's reference.</param>
/// <param name="Hit">Whether that is at most the threshold.</param>
/// <param name="Reference">Which picture is the reference.</param>
/// <param name="ToTraining">Distance from the training picture.</param>
/// <param name="ToMedoid">Distance from the source's medoid.</param>
/// <param name="CloserToMedoid">Closer to the source's medoid than to the training picture.</param>
/// <param name="ForPaired">Counts in the paired test.</param>
/// <param name="Image">The answer's file in the report's folder; null where there was none.</param>
/// <param name="Failure">Why there was none.</param>
public sealed record KeyResult(
    string Prompt, double Distance, bool Hit, KeyReference Reference, double ToTraining, [property: JsonPropertyName("to_source")] double ToMedoid,
    [property: JsonPropertyName("closer_to_source")] bool CloserToMedoid, bool ForPaired, string? Image, string? Failure);

/// <summary>conf at the threshold that CAL innocents give.</summary>
/// <param name="Threshold">The q-quantile of their pooled distances.</param>
/// <param name="Quantile">q.</param>
/// <param name="Distances">Number of pooled distances.</param>
/// <param name="Hits">The suspect's hits.</param>
/// <param name="Conf">Their share.</param>
/// <param name="ConfInterval">Interval of the share.</param>
/// <param name="Test">Test against the NULL innocents at this threshold.</param>
public sealed record CalibratedConfidence(
    double Threshold, double Quantile, int Distances, int Hits, double Conf, ShareInterval ConfInterval, NullTest Test);

/// <summary>
/// What <c>result.json</c> holds. It depends on keys, suspect, null table and seed only, so that a repeated run gives the same file bit for
/// bit; time and machine stand in <c>manifest.json</c>.
/// </summary>
public sealed record AttributionResult
{
    public const string FileName = "result.json";
    public const string CurrentSchema = "cudattr-result-1";

    public string Schema { get; init; } = CurrentSchema;

    /// <summary><see cref="AttributionResult.Verdict"/>: none if too many answers are unusable, else infringing iff both tests have p ≤ α.</summary>
    public required string Verdict { get; init; }

    /// <summary>The verdict's ground in one or two sentences.</summary>
    public required string Reason { get; init; }

    public required string Suspect { get; init; }

    /// <summary>SHA-256 of a local suspect's weights; of a remote one's description without secrets, as <see cref="Remote"/> then says.</summary>
    public required string SuspectIdentity { get; init; }

    /// <summary>The service that was asked; absent where the suspect is a model folder.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ServiceSummary? Remote { get; init; }

    /// <summary>Share of the N keys that were hit, at the literal δ0.</summary>
    public required double Conf { get; init; }

    public required int Hits { get; init; }

    /// <summary>N.</summary>
    public required int N { get; init; }

    public required double Threshold { get; init; }

    public required string Metric { get; init; }

    /// <summary>The larger p-value of the two tests; 1 where one of them has no reference innocents.</summary>
    [JsonPropertyName("p_value")]
    public required double PValue { get; init; }

    public required double Alpha { get; init; }

    public required ShareInterval ConfInterval { get; init; }

    public required double IntervalLevel { get; init; }

    /// <summary>1 − p of the conf test: the confidence that grows with N; null without references.</summary>
    public required double? ConfCal { get; init; }

    public required NullTest ConfTest { get; init; }

    /// <summary>Share of the paired keys whose answer is closer to the source's picture than to the training picture.</summary>
    public required double Paired { get; init; }

    public required ShareInterval PairedInterval { get; init; }

    public required NullTest PairedTest { get; init; }

    /// <summary>conf at the calibrated threshold; null without CAL innocents.</summary>
    public required CalibratedConfidence? Calibrated { get; init; }

    public required Detectability ConfDetectable { get; init; }

    public required Detectability PairedDetectable { get; init; }

    /// <summary>The smallest ρ that both tests could have detected; null where even ρ = 1 might have been missed.</summary>
    public required double? SmallestDetectableRho { get; init; }

    /// <summary>What is known of the suspect's training prompts.</summary>
    public required PromptOverlap Overlap { get; init; }

    public required string KeysetSha256 { get; init; }

    public required ulong Seed { get; init; }

    /// <summary>Answers that never came; they count as misses.</summary>
    public required int Failures { get; init; }

    /// <summary>What was unusable, where it was too much for a verdict; absent otherwise.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Usability? Unusable { get; init; }

    /// <summary>The N keys of conf.</summary>
    public required IReadOnlyList<KeyResult> Keys { get; init; }

    /// <summary>Further keys that only the paired test uses.</summary>
    public required IReadOnlyList<KeyResult> PairedOnlyKeys { get; init; }

    /// <summary>The suspect's answer to key <paramref name="index"/>, in the result's folder.</summary>
    public static string AnswerImage(int index) => $"images/{index:D3}-answer.png";

    /// <exception cref="UserException">Missing or not a result of this version.</exception>
    public static AttributionResult Load(string file)
    {
        var result = Json.Read<AttributionResult>(file, "result");
        Json.CheckSchema(result.Schema, CurrentSchema, file);
        return result;
    }
}

/// <summary>A key, the suspect's answer to it and what came of it.</summary>
public sealed record ExaminedKey(Key Key, Answer Answer, KeyResult Result);

/// <summary>A result with the pictures behind it.</summary>
/// <param name="Result">The figures.</param>
/// <param name="Keys">The keys.</param>
/// <param name="Nulls">The null they were tested against.</param>
/// <param name="Examined">Key by key, in the order of the keys.</param>
public sealed record AttributionRun(AttributionResult Result, KeySet Keys, NullTable Nulls, IReadOnlyList<ExaminedKey> Examined);
