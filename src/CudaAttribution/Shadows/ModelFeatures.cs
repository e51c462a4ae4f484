using CudaAttribution.Runs;

namespace CudaAttribution.Shadows;

/// <summary>What a discriminator looks at; answers of two models compare only where all of it is the same.</summary>
/// <param name="KeysetSha256">The keys that were asked.</param>
/// <param name="BaselineSha256">The base model's pictures for them.</param>
/// <param name="Measure">Name of the copy measure.</param>
/// <param name="Draws">Answers to each key, 1 or 2.</param>
public sealed record FeatureDesign(string KeysetSha256, string BaselineSha256, string Measure, int Draws);

/// <summary>The features of one model's answers: the file <c>features.json</c>.</summary>
/// <param name="Schema"><see cref="CurrentSchema"/>.</param>
/// <param name="Identity">The model.</param>
/// <param name="Design">What they were made with.</param>
/// <param name="Rows">For each key of conf the features of <see cref="FeatureExtractor.Names"/>.</param>
/// <param name="Failures">Keys without an answer.</param>
public sealed record ModelFeatures(string Schema, string Identity, FeatureDesign Design, IReadOnlyList<double[]> Rows, int Failures)
{
    public const string FileName = "features.json", CurrentSchema = "cudattr-features-1";

    /// <exception cref="UserException">Missing, or not features of this version.</exception>
    public static ModelFeatures Load(string file)
    {
        var features = Json.Read<ModelFeatures>(file, "features of a model");
        Json.CheckSchema(features.Schema, CurrentSchema, file);
        if (features.Rows.Count == 0 || features.Rows.Any(r => r.Length != FeatureExtractor.Names.Count || r.Any(f => !double.IsFinite(f))))
            throw new UserException($"not {FeatureExtractor.Names.Count} numbers for each key", "Make the features again.", file);
        return features;
    }
}
