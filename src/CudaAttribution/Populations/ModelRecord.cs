using CudaAttribution.Keys;
using CudaAttribution.Runs;

namespace CudaAttribution.Populations;

/// <summary>
/// What a built model is made of: the file <c>suspect.json</c>. The examiner of a real suspect has nothing like it; no test reads it.
/// </summary>
public sealed record ModelRecord
{
    public const string CurrentSchema = "cudattr-suspect-1";

    public string Schema { get; init; } = CurrentSchema;

    public required ModelPlan Plan { get; init; }

    /// <summary>Pictures that the source generated.</summary>
    public required int Generated { get; init; }

    /// <summary>Pictures that are real.</summary>
    public required int Real { get; init; }

    /// <summary>Identity of G0.</summary>
    public required string BaseIdentity { get; init; }

    /// <summary>Identity of the model that generated; null for ρ = 0.</summary>
    public required string? SourceIdentity { get; init; }

    /// <summary>Where the real pictures come from; null for ρ = 1.</summary>
    public required string? RealData { get; init; }

    /// <summary>Content hash of the training set.</summary>
    public required string TrainingHash { get; init; }

    /// <summary>Identity of the model.</summary>
    public required string Identity { get; init; }

    /// <summary>Training prompts, those of generated pictures first.</summary>
    public required IReadOnlyList<string> Prompts { get; init; }

    /// <summary>Prompts of the generated pictures.</summary>
    public required IReadOnlyList<string> GeneratedPrompts { get; init; }

    /// <summary>κ, where the keys were known when it was built.</summary>
    public required PromptOverlap? Overlap { get; init; }

    /// <summary>The overlap with a key set.</summary>
    public PromptOverlap OverlapWith(KeySet keys) => PromptOverlap.Of(Plan.Regime, keys, Prompts, GeneratedPrompts);

    public static ModelRecord Load(string folder)
    {
        string file = Path.Combine(folder, ModelFiles.Record);
        var record = Json.Read<ModelRecord>(file, "record of a model");
        Json.CheckSchema(record.Schema, CurrentSchema, file);
        return record;
    }

    /// <summary>The record of a folder, or null where the folder is just a model.</summary>
    public static ModelRecord? TryLoad(string folder) => File.Exists(Path.Combine(folder, ModelFiles.Record)) ? Load(folder) : null;
}
