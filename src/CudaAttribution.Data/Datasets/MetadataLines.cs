using System.Text.Json;
using CudaAttribution.Runs;

namespace CudaAttribution.Data.Datasets;

/// <summary>Reads <c>metadata.jsonl</c>: one JSON object a line with <c>file_name</c> and <c>text</c>.</summary>
internal static class MetadataLines
{
    public const string FileName = "metadata.jsonl";

    private const string NameProperty = "file_name", TextProperty = "text";

    /// <exception cref="DatasetException">The file is malformed; file and line are named.</exception>
    public static IReadOnlyList<CaptionRow> Parse(string file, byte[] bytes)
    {
        var captions = new CaptionFile(file);
        var rows = new List<CaptionRow>();
        foreach ((int number, string text) in captions.Lines(bytes))
        {
            string name, caption;
            var tags = new Dictionary<string, string>(StringComparer.Ordinal);
            try
            {
                JsonElement line = OutsideJson.Read(text);
                name = Required(line, NameProperty, captions, number);
                caption = Required(line, TextProperty, captions, number);
                foreach (JsonProperty property in line.EnumerateObject())
                    if (property.Name is not (NameProperty or TextProperty) && Tag(property.Value) is { Length: > 0 } value)
                        tags[property.Name] = value;
            }
            catch (JsonException e)
            {
                throw captions.Wrong(number, $"the line is not a JSON object ({e.Message})", "Write one JSON object on each line.", e);
            }
            rows.Add(captions.Row(number, WithoutExtension(name), name, caption, tags));
        }
        if (rows.Count == 0) throw captions.Wrong(null, "the data set is empty: there is no line", "Add a line for each picture.");
        return rows;
    }

    private static string Required(JsonElement line, string property, CaptionFile captions, int number)
    {
        if (line.ValueKind == JsonValueKind.Object && line.TryGetProperty(property, out JsonElement value) && value.ValueKind == JsonValueKind.String)
            return value.GetString()!;
        throw captions.Wrong(
            number,
            $"the line has no text property '{property}'",
            $"Write {{\"{NameProperty}\": \"picture.png\", \"{TextProperty}\": \"its caption\"}}.");
    }

    private static string? Tag(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Number => value.GetRawText(),
        _ => null,
    };

    private static string WithoutExtension(string name) => name[..^Path.GetExtension(name).Length];
}
