using System.Text.Json;
using CudaAttribution.Runs;

namespace CudaAttribution.Data.Datasets.Layouts;

/// <summary>Reads <c>metadata.jsonl</c>: one JSON object a line. The first one's properties are the columns.</summary>
internal static class MetadataLines
{
    /// <exception cref="DatasetException">The file is malformed; file and line are named.</exception>
    public static MetadataRows Read(string file, byte[] bytes)
    {
        var rows = new MetadataRows(file);
        foreach ((int number, string text) in TextLines.Read(file, bytes))
        {
            JsonProperty[] properties;
            try
            {
                JsonElement line = OutsideJson.Read(text);
                if (line.ValueKind != JsonValueKind.Object) throw new JsonException($"it is {line.ValueKind}");
                properties = [.. line.EnumerateObject()];
            }
            catch (JsonException e)
            {
                throw new DatasetException(
                    $"the line is not a JSON object ({OutsideText.Shown(e.Message)})", "Write one JSON object on each line.", file, number, e);
            }
            if (!rows.HasColumns) rows.SetColumns([.. properties.Select(p => p.Name)], number);
            var fields = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (JsonProperty property in properties)
            {
                if (property.Value.ValueKind == JsonValueKind.String) fields.Add(property.Name, property.Value.GetString()!);
                else if (property.Value.ValueKind == JsonValueKind.Number && property.Name != MetadataRows.NameColumn && property.Name != rows.CaptionColumn)
                    fields.Add(property.Name, property.Value.GetRawText());
            }
            rows.Add(number, fields);
        }
        return rows;
    }
}
