using CudaAttribution.Answers;
using CudaAttribution.Images;

namespace CudaAttribution.Measures;

/// <summary>A picture and what a model makes of it by DDIM inversion and back.</summary>
/// <param name="Id">The picture's id in its set, or its file's name.</param>
/// <param name="Prompt">What the model was told it shows.</param>
/// <param name="Original">The picture, of the model's size.</param>
/// <param name="Picture">Its reconstruction.</param>
public sealed record Reconstruction(string Id, string Prompt, RgbImage Original, RgbImage Picture);

/// <summary>
/// The file <c>reconstructions.json</c>: how far each reconstruction is from its picture, by every metric. With an autoencoder, part of
/// each distance is the autoencoder's own.
/// </summary>
/// <param name="Schema"><see cref="CurrentSchema"/>.</param>
/// <param name="Model">The model's name.</param>
/// <param name="ModelIdentity">SHA-256 of its weights.</param>
/// <param name="Steps">DDIM steps there, and as many back.</param>
/// <param name="FixedPoint">Fixed-point repeats of each step there.</param>
/// <param name="MeanDistances">Mean over all pictures, by metric.</param>
/// <param name="Pictures">The pictures, in the order they were given.</param>
public sealed record ReconstructionTable(
    string Schema, string Model, string ModelIdentity, int Steps, int FixedPoint, IReadOnlyDictionary<string, double> MeanDistances,
    IReadOnlyList<ReconstructionRow> Pictures)
{
    public const string FileName = "reconstructions.json";
    public const string CurrentSchema = "cudattr-reconstructions-1";

    /// <summary>The table of measured reconstructions.</summary>
    /// <param name="model">The model that made them.</param>
    /// <param name="steps">DDIM steps.</param>
    /// <param name="fixedPoint">Fixed-point repeats.</param>
    /// <param name="rows">The reconstructions, measured by the same metrics; at least one.</param>
    public static ReconstructionTable Of(IImageModel model, int steps, int fixedPoint, IReadOnlyList<ReconstructionRow> rows)
    {
        var means = rows[0].Distances.Keys.ToDictionary(metric => metric, metric => rows.Average(row => row.Distances[metric]));
        return new ReconstructionTable(CurrentSchema, model.Name, model.Identity, steps, fixedPoint, means, rows);
    }
}

/// <summary>One picture of a <see cref="ReconstructionTable"/>.</summary>
/// <param name="Id">The picture's id in its set, or its file's name.</param>
/// <param name="Prompt">What the model was told it shows.</param>
/// <param name="OriginalSha256">SHA-256 of the picture's pixels at the model's size.</param>
/// <param name="Image">File of the reconstruction.</param>
/// <param name="Distances">Distance between the two, by metric.</param>
public sealed record ReconstructionRow(
    string Id, string Prompt, string OriginalSha256, string Image, IReadOnlyDictionary<string, double> Distances)
{
    /// <summary>Measures reconstruction <paramref name="index"/>.</summary>
    public static ReconstructionRow Of(int index, Reconstruction made, IEnumerable<IPictureMeasure> metrics) => new(
        made.Id, made.Prompt, ImageHash.Of(made.Original), $"images/{index:D4}.png",
        metrics.ToDictionary(m => m.Name, m => m.Between(made.Original, made.Picture)));
}
