using System.Text.Json;
using CudaAttribution.Remote;
using CudaAttribution.Runs;

namespace CudaAttribution.Cli.Serving;

/// <summary>A JSON object whose members are read one by one; what is left unread was not understood and is refused.</summary>
internal sealed class RequestBody
{
    public const int LargestPrompt = 4096;
    public const int MostPictures = 16;

    private readonly Dictionary<string, JsonElement> _members = [];

    /// <exception cref="BadRequestException">Not a JSON object.</exception>
    public RequestBody(byte[] utf8)
    {
        JsonElement root;
        try
        {
            root = OutsideJson.Read(utf8);
        }
        catch (JsonException e)
        {
            throw new BadRequestException($"the body is not JSON that can be read: {e.Message}");
        }
        if (root.ValueKind != JsonValueKind.Object) throw new BadRequestException("the body is not a JSON object");
        foreach (var member in root.EnumerateObject()) _members.Add(member.Name, member.Value);
    }

    public string Prompt() => Prompt("prompt") ?? throw new BadRequestException("there is no prompt");

    /// <summary>A text of at most <see cref="LargestPrompt"/> characters; null where there is none.</summary>
    public string? Prompt(string name)
    {
        string? prompt = Text(name);
        if (prompt?.Length > LargestPrompt) throw new BadRequestException($"'{name}' has {prompt.Length} characters, the most are {LargestPrompt}");
        return prompt;
    }

    /// <summary>A text; null where there is none.</summary>
    public string? Text(string name)
    {
        if (Take(name) is not { } value) return null;
        return value.ValueKind == JsonValueKind.String ? value.GetString() : throw new BadRequestException($"'{name}' must be a text");
    }

    /// <summary>A whole number in a range; null where there is none.</summary>
    public int? Integer(string name, int least, int most)
    {
        if (Take(name) is not { } value) return null;
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) && number >= least && number <= most
            ? number
            : throw new BadRequestException($"'{name}' must be a whole number from {least} to {most}");
    }

    /// <summary>A number in a range; null where there is none.</summary>
    public double? Number(string name, double least, double most)
    {
        if (Take(name) is not { } value) return null;
        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && number >= least && number <= most
            ? number
            : throw new BadRequestException(FormattableString.Invariant($"'{name}' must be a number from {least} to {most}"));
    }

    /// <summary>A seed of 64 bits; null where there is none, or −1.</summary>
    public ulong? Seed()
    {
        if (Take("seed") is not { } value) return null;
        if (value.ValueKind == JsonValueKind.Number)
        {
            if (value.TryGetInt64(out long chance) && chance == -1) return null;
            if (value.TryGetUInt64(out ulong seed)) return seed;
        }
        throw new BadRequestException("'seed' must be a whole number from 0 to 18446744073709551615, or -1 for one by chance");
    }

    /// <summary>The exact noise of a cudattr query; null where there is none.</summary>
    public QueryNoise? Noise(int count)
    {
        if (Take(QueryNoise.Member) is not { } value) return null;
        if (count != 1) throw new BadRequestException($"'{QueryNoise.Member}' is for one picture");
        return QueryNoise.TryRead(value)
            ?? throw new BadRequestException($"'{QueryNoise.Member}' must have a purpose, a seed and an index that is not negative");
    }

    /// <summary>Checks a member that can have one value only.</summary>
    public void Only(string name, string value, string why)
    {
        if (Text(name) is { } given && given != value) throw new BadRequestException($"'{name}' must be '{value}': {why}");
    }

    /// <exception cref="BadRequestException">A member was not read.</exception>
    public void RequireNothingElse()
    {
        if (_members.Keys.Order(StringComparer.Ordinal).FirstOrDefault() is { } name)
            throw new BadRequestException($"'{name}' is not known here; leave it out");
    }

    private JsonElement? Take(string name) =>
        _members.Remove(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
}
