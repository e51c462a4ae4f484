using System.Text.Json.Serialization;
using CudaAttribution.Answers;
using CudaAttribution.Keys;
using CudaAttribution.Populations;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Manifests;
using CudaAttribution.Shadows;
using CudaAttribution.Statistics;

namespace CudaAttribution.Evidence;

/// <summary>One key's outcome.</summary>
/// <param name="Prompt">The prompt.</param>
/// <param name="Distance">Distance of the answer from the key's reference.</param>
/// <param name="Hit">Whether that is at most the threshold.</param>
/// <param name="Reference">Which picture is the reference.</param>
/// <param name="ToTraining">Distance from the training picture.</param>
/// <param name="ToMedoid">Distance from the source's medoid.</param>
/// <param name="CloserToMedoid">Closer to the source's medoid than to the training picture.</param>
/// <param name="ForPaired">Counts in paired.</param>
/// <param name="Image">The answer's file in the report's folder; null where there was none.</param>
/// <param name="Failure">Why there was none.</param>
public sealed record KeyResult(
    string Prompt, double Distance, bool Hit, KeyReference Reference, double ToTraining, [property: JsonPropertyName("to_source")] double ToMedoid,
    [property: JsonPropertyName("closer_to_source")] bool CloserToMedoid, bool ForPaired, string? Image, string? Failure);

/// <summary>The threshold that CAL innocents give.</summary>
/// <param name="Threshold">The q-quantile of their pooled distances.</param>
/// <param name="Quantile">q.</param>
/// <param name="Distances">Number of pooled distances.</param>
public sealed record CalibratedThreshold(double Threshold, double Quantile, int Distances);

/// <summary>
/// What <c>result.json</c> holds. It depends on keys, suspect, null table and seed only, so that a repeated run gives the same file bit for
/// bit; time and machine stand in <c>manifest.json</c>. It holds indications and no verdict.
/// </summary>
public sealed record AttributionResult
{
    public const string FileName = "result.json";
    public const string CurrentSchema = "cudattr-result-2";

    public string Schema { get; init; } = CurrentSchema;

    public required string Suspect { get; init; }

    /// <summary>SHA-256 of a local suspect's weights; of a remote one's description without secrets, as <see cref="Remote"/> then says.</summary>
    public required string SuspectIdentity { get; init; }

    /// <summary>The service that was asked; absent where the suspect is a model folder.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ServiceSummary? Remote { get; init; }

    public required string Metric { get; init; }

    /// <summary>δ0 of <see cref="Indication.Conf"/>.</summary>
    public required double Threshold { get; init; }

    /// <summary>Threshold of <see cref="Indication.ConfCalibrated"/>; null without CAL innocents.</summary>
    public required CalibratedThreshold? Calibrated { get; init; }

    public required double Alpha { get; init; }

    public required double IntervalLevel { get; init; }

    /// <summary>conf, conf at the calibrated threshold where there is one, paired.</summary>
    public required IReadOnlyList<Indication> Indications { get; init; }

    /// <summary>What the published rule says; null where too many answers are unusable.</summary>
    public required PublishedRule? Published { get; init; }

    /// <summary>What a discriminator that learned from shadow models says; absent where none was given.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DiscriminatorScore? Discriminator { get; init; }

    /// <summary>What is known of the suspect's training prompts.</summary>
    public required PromptOverlap Overlap { get; init; }

    public required string KeysetSha256 { get; init; }

    public required ulong Seed { get; init; }

    /// <summary>Answers that never came; they count as misses.</summary>
    public required int Failures { get; init; }

    /// <summary>What was unusable, where it was too much for any p-value; absent otherwise.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Usability? Unusable { get; init; }

    /// <summary>The N keys of conf.</summary>
    public required IReadOnlyList<KeyResult> Keys { get; init; }

    /// <summary>Further keys that only paired counts.</summary>
    public required IReadOnlyList<KeyResult> PairedOnlyKeys { get; init; }

    [JsonIgnore]
    public Indication Conf => Indications.First(i => i.Name == Indication.Conf);

    [JsonIgnore]
    public Indication Paired => Indications.First(i => i.Name == Indication.Paired);

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
/// <param name="Nulls">The references, where there are any.</param>
/// <param name="Examined">Key by key, in the order of the keys.</param>
public sealed record AttributionRun(AttributionResult Result, KeySet Keys, NullTable? Nulls, IReadOnlyList<ExaminedKey> Examined);
