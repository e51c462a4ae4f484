using System.Text;
using System.Text.Json;
using CudaAttribution.Runs;

namespace CudaAttribution.Data.Datasets.Layouts;

/// <summary>
/// The files that belong together by name: a picture, its caption as text, and JSON, whose texts and numbers are tags and whose caption counts where there
/// is no text.
/// </summary>
/// <param name="id">Their name.</param>
internal sealed class Sample(string id)
{
    /// <summary>A caption or JSON beside a picture may have this many bytes.</summary>
    public const long MostTextBytes = 1 << 20;

    private static readonly UTF8Encoding StrictUtf8 = new(false, true);

    private readonly Dictionary<string, string> tags = new(StringComparer.Ordinal);
    private string? text, textPlace, jsonPlace;
    private JsonElement? json;

    public PictureBytes? Picture { get; private set; }

    /// <summary>Any of its files, for messages.</summary>
    private string Place => Picture?.Place ?? textPlace ?? jsonPlace!;

    /// <exception cref="DatasetException">It has one already.</exception>
    public void AddPicture(PictureBytes picture) => Picture = Picture is null ? picture : throw Twice(Picture.Place, picture.Place, "pictures");

    /// <exception cref="DatasetException">It has one already, or it is not UTF-8.</exception>
    public void AddText(string place, byte[] bytes)
    {
        if (textPlace is not null) throw Twice(textPlace, place, "captions");
        textPlace = place;
        try
        {
            text = CaptionedImage.Normalise(StrictUtf8.GetString(bytes).TrimStart('\uFEFF'));
        }
        catch (DecoderFallbackException e)
        {
            throw new DatasetException("the caption is not UTF-8", "Save it as UTF-8.", place, null, e);
        }
    }

    /// <exception cref="DatasetException">It has one already, or it is not a JSON object.</exception>
    public void AddJson(string place, byte[] bytes)
    {
        if (jsonPlace is not null) throw Twice(jsonPlace, place, "JSON files");
        jsonPlace = place;
        json = OutsideJson.TryReadLeniently(bytes);
        if (json is not { ValueKind: JsonValueKind.Object } read)
            throw new DatasetException("the file is not a JSON object", "Replace or remove it.", place);
        foreach (JsonProperty property in read.EnumerateObject())
        {
            string? value = property.Value.ValueKind switch
            {
                JsonValueKind.String => property.Value.GetString(),
                JsonValueKind.Number => property.Value.GetRawText(),
                _ => null,
            };
            if (value is { Length: > 0 }) tags[property.Name] = value;
        }
    }

    /// <summary>What the sample says, or a warning where it has a picture and no caption.</summary>
    /// <exception cref="DatasetException">Its JSON names no caption or several, and there is no text.</exception>
    public void AddTo(List<CaptionedEntry> entries, List<DatasetWarning> warnings)
    {
        if (RelativePath.Problem(id) is { } problem)
            throw new DatasetException($"the name '{OutsideText.Shown(id)}' {problem}", "Rename the picture and its caption.", Place);
        string? caption = text;
        if (caption is null && json is { } members)
        {
            string column = CaptionColumn.Find([.. members.EnumerateObject().Select(m => m.Name)], jsonPlace!);
            caption = tags.Remove(column, out string? value) ? CaptionedImage.Normalise(value) : null;
        }
        else if (caption is not null)
        {
            foreach (string same in tags.Where(t => CaptionedImage.Normalise(t.Value) == caption).Select(t => t.Key).ToArray()) tags.Remove(same);
        }
        if (caption is { Length: > 0 }) entries.Add(new CaptionedEntry(id, caption, tags, Picture, $"picture {id}", Place));
        else if (Picture is not null) warnings.Add(new DatasetWarning(Place, "the picture has no caption and is not used"));
    }

    private static DatasetException Twice(string first, string second, string what) =>
        new($"the picture has two {what}: this one and {first}", "Keep one of them.", second);
}
