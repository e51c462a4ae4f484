using System.Text.Json;
using System.Text.Json.Serialization;

namespace CudaAttribution.Models.Configuration;

/// <summary>A whole number that a configuration gives once for all blocks (<c>8</c>) or block by block (<c>[5, 10, 20, 20]</c>).</summary>
[JsonConverter(typeof(PerBlockConverter))]
public sealed class PerBlock
{
    private readonly int[] _values;

    public PerBlock(int all) => (_values, IsUniform) = ([all], true);

    public PerBlock(int[] each) => _values = [.. each];

    /// <summary>Whether one number holds for all blocks.</summary>
    public bool IsUniform { get; }

    /// <summary>How many blocks are listed; 1 for a uniform one.</summary>
    public int Count => _values.Length;

    /// <summary>The number of block <paramref name="block"/>.</summary>
    public int this[int block] => _values[IsUniform ? 0 : block];

    public static implicit operator PerBlock(int all) => new(all);

    public static implicit operator PerBlock(int[] each) => new(each);

    public override string ToString() => IsUniform ? $"{_values[0]}" : $"[{string.Join(", ", _values)}]";
}

internal sealed class PerBlockConverter : JsonConverter<PerBlock>
{
    public override PerBlock Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.Number) return new PerBlock(reader.GetInt32());
        // An exception without a message gets one that names the key.
        if (reader.TokenType != JsonTokenType.StartArray) throw new JsonException();
        var values = new List<int>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number) throw new JsonException();
            values.Add(reader.GetInt32());
        }
        return new PerBlock(values.ToArray());
    }

    public override void Write(Utf8JsonWriter writer, PerBlock value, JsonSerializerOptions options)
    {
        if (value.IsUniform)
        {
            writer.WriteNumberValue(value[0]);
            return;
        }
        writer.WriteStartArray();
        for (int i = 0; i < value.Count; i++) writer.WriteNumberValue(value[i]);
        writer.WriteEndArray();
    }
}
