using CudaAttribution.Answers;
using CudaAttribution.Data.Images;

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

    /// <summary>Measures reconstructions.</summary>
    /// <param name="model">The model that made them.</param>
    /// <param name="steps">DDIM steps.</param>
    /// <param name="fixedPoint">Fixed-point repeats.</param>
    /// <param name="made">The reconstructions; at least one.</param>
    /// <param name="metrics">The metrics.</param>
    public static ReconstructionTable Of(
        IImageModel model, int steps, int fixedPoint, IReadOnlyList<Reconstruction> made, IReadOnlyList<IPictureMeasure> metrics)
    {
        ReconstructionRow[] rows =
        [
            .. made.Select((r, i) => new ReconstructionRow(
                r.Id, r.Prompt, ImageHash.Of(r.Original), Image(i), metrics.ToDictionary(m => m.Name, m => m.Between(r.Original, r.Picture)))),
        ];
        var means = metrics.ToDictionary(m => m.Name, m => rows.Average(row => row.Distances[m.Name]));
        return new ReconstructionTable(CurrentSchema, model.Name, model.Identity, steps, fixedPoint, means, rows);
    }

    /// <summary>File of reconstruction <paramref name="index"/>.</summary>
    public static string Image(int index) => $"images/{index:D4}.png";
}

/// <summary>One picture of a <see cref="ReconstructionTable"/>.</summary>
/// <param name="Id">The picture's id in its set, or its file's name.</param>
/// <param name="Prompt">What the model was told it shows.</param>
/// <param name="OriginalSha256">SHA-256 of the picture's pixels at the model's size.</param>
/// <param name="Image">File of the reconstruction.</param>
/// <param name="Distances">Distance between the two, by metric.</param>
public sealed record ReconstructionRow(
    string Id, string Prompt, string OriginalSha256, string Image, IReadOnlyDictionary<string, double> Distances);
