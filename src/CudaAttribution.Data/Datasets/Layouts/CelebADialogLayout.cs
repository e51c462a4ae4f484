using System.Text.Json;
using CudaAttribution.Runs;

namespace CudaAttribution.Data.Datasets.Layouts;

/// <summary>
/// CelebA-Dialog-HQ: pictures in <c>image/</c>, <c>captions_hq.json</c> in <c>text/</c>, labels in <c>classification_label/</c>. The caption is
/// <c>overall_caption</c>; the sentences of <c>attribute_wise_captions</c> are not read.
/// </summary>
internal sealed class CelebADialogLayout : IDatasetLayout
{
    private const string FileName = "captions_hq.json", CaptionProperty = "overall_caption";

    // As published first; the others are names that copies of the set have.
    private static readonly string[] TextFolders = ["text", ""], ImageFolders = ["image", "images"], LabelFolders = ["classification_label", "attributes"];

    private static readonly IReadOnlyDictionary<string, string> NoTags = new Dictionary<string, string>();

    public string Name => "CelebA-Dialog-HQ (image/, text/captions_hq.json)";

    public string? Sign(DatasetPath set) => TextFolders.Select(f => Path.Combine(f, FileName)).FirstOrDefault(set.HasFile);

    public CaptionedDataset Load(DatasetPath set, LoadOptions options)
    {
        string file = set.Combine(Sign(set)!);
        string[] folders = [.. ImageFolders.Where(set.Folders.Contains)];
        if (folders.Length != 1)
            throw new DatasetException(
                folders.Length == 0 ? "the folder has no folder image with the pictures" : "the folder has both image and images",
                "Put the pictures of CelebA-HQ into image/.", set.Path);
        Dictionary<string, Dictionary<string, string>> labels =
            LabelFiles.Read([.. LabelFolders.Where(set.Folders.Contains).Select(set.Folder).SelectMany(f => f.Files.Select(f.Combine))]);
        var images = new ImageFolder(set.Combine(folders[0]));
        var entries = new List<CaptionedEntry>();
        var used = new HashSet<string>(StringComparer.Ordinal);
        foreach (JsonProperty picture in Pictures(file))
        {
            if (RelativePath.Problem(picture.Name) is { } problem)
                throw new DatasetException(
                    $"the picture's name '{OutsideText.Shown(picture.Name)}' {problem}", "Use the file as it was published.", file);
            if (Caption(picture.Value) is not { } caption) continue;
            // Some copies name pictures without .jpg.
            string? name = images.Contains(picture.Name) ? picture.Name : images.NamesOf(picture.Name).FirstOrDefault();
            string id = picture.Name[..^Path.GetExtension(picture.Name).Length];
            if (name is not null) used.Add(name);
            entries.Add(new CaptionedEntry(
                id, caption, labels.GetValueOrDefault(id) ?? NoTags, name is null ? null : new FileBytes(images.FullPath(name)),
                $"{folders[0]}/{picture.Name}", file));
        }
        DatasetWarning[] warnings = [.. images.Names.Where(n => !used.Contains(n))
            .Select(n => new DatasetWarning(images.FullPath(n), $"the picture has no {CaptionProperty} in {FileName} and is not used"))];
        return PictureLoader.Load(set.Path, Name, entries, warnings, options);
    }

    private static JsonElement.ObjectEnumerator Pictures(string file)
    {
        JsonElement document;
        try
        {
            document = OutsideJson.Read(DatasetPath.ReadFile(file));
        }
        catch (JsonException e)
        {
            throw new DatasetException($"the file is not JSON ({OutsideText.Shown(e.Message)})", "Download it again.", file, null, e);
        }
        return document.ValueKind == JsonValueKind.Object
            ? document.EnumerateObject()
            : throw new DatasetException(
                "the file is not an object of pictures by name",
                $"Use {FileName} as it was published: {{\"0.jpg\": {{\"{CaptionProperty}\": \"...\"}}}}.", file);
    }

    /// <summary>The caption, or null where the picture has none.</summary>
    private static string? Caption(JsonElement picture)
    {
        JsonElement caption = picture.ValueKind == JsonValueKind.Object && picture.TryGetProperty(CaptionProperty, out JsonElement value)
            ? value
            : picture;
        return caption.ValueKind == JsonValueKind.String && CaptionedImage.Normalise(caption.GetString()!) is { Length: > 0 } text ? text : null;
    }
}
