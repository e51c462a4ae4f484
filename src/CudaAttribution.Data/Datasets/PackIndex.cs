using System.Text.Json;
using System.Text.Json.Serialization;
using CudaAttribution.Runs;

namespace CudaAttribution.Data.Datasets;

/// <summary>Where the pictures of a sheet come from and what may be done with them.</summary>
/// <param name="Title">What the pictures are called.</param>
/// <param name="Source">The package and version they were taken from.</param>
/// <param name="Licence">The SPDX identifier of their licence.</param>
/// <param name="LicenceFile">The file with the licence's text, relative to the pack.</param>
/// <param name="Attribution">The sentence that names the makers, the licence and the changes made.</param>
public sealed record SheetOrigin(string Title, string Source, string Licence, string LicenceFile, string Attribution);

/// <summary>One sheet of a pack.</summary>
/// <param name="Name">The data set's name; the sheet's file is name + .webp.</param>
/// <param name="Hash"><see cref="CaptionedDataset.Hash"/> of its pictures at tile size, checked when it is read.</param>
/// <param name="Origin">Where the pictures come from.</param>
public sealed record PackSheet(string Name, string Hash, SheetOrigin Origin)
{
    [JsonIgnore]
    public string File => Name + ".webp";
}

/// <summary>The index of a pack, <c>pack.json</c>.</summary>
/// <param name="Format">Always <see cref="FormatName"/>.</param>
/// <param name="Version">Always <see cref="CurrentVersion"/>.</param>
/// <param name="Tile">Side of a picture in pixels.</param>
/// <param name="Columns">Pictures in a row of a sheet.</param>
/// <param name="Count">Pictures in a sheet.</param>
/// <param name="Sheets">The sheets: the same ids and captions in several drawings.</param>
public sealed record PackIndex(string Format, int Version, int Tile, int Columns, int Count, IReadOnlyList<PackSheet> Sheets)
{
    public const string FormatName = "cudattr-sprite-pack";

    public const int CurrentVersion = 1;

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        WriteIndented = true,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    internal byte[] ToBytes() => [.. JsonSerializer.SerializeToUtf8Bytes(this, Json), (byte)'\n'];

    /// <exception cref="DatasetException">Not the index of a pack, or of a version that is not read.</exception>
    internal static PackIndex Parse(string file, byte[] bytes)
    {
        const string remedy = "Use a pack written by this program.";
        PackIndex index;
        try
        {
            index = OutsideJson.Read(bytes).Deserialize<PackIndex>(Json) ?? throw new JsonException("the file holds null");
        }
        catch (JsonException e)
        {
            throw new DatasetException($"the index of the pack is malformed ({e.Message.TrimEnd('.')})", remedy, file, null, e);
        }
        if (index.Format != FormatName || index.Version != CurrentVersion)
            throw new DatasetException(
                $"the pack has format '{index.Format}' version {index.Version}, not '{FormatName}' version {CurrentVersion}", remedy, file);
        if (index.Tile < 1 || index.Columns < 1 || index.Count < 1)
            throw new DatasetException("tile, columns and count of the pack must be positive", remedy, file);
        foreach (PackSheet sheet in index.Sheets)
            if ((RelativePath.Problem(sheet.Name) ?? RelativePath.Problem(sheet.Origin.LicenceFile)) is { } problem)
                throw new DatasetException($"a name or licence file of the sheet '{sheet.Name}' {problem}", remedy, file);
        return index;
    }
}
