using System.Text.Json.Nodes;

namespace CudaAttribution.Runs.Units;

/// <summary>
/// A piece of long work that is computed whole or not at all: what kind of work, with which settings, from which inputs. The three decide every bit
/// of its result, so that their hash names it: a unit that two plans share is computed once.
/// </summary>
public sealed class WorkUnit
{
    public const string CurrentSchema = "cudattr-unit-1";

    /// <summary>Digits of an id.</summary>
    public const int IdLength = 64;

    private readonly JsonObject _settings;

    /// <param name="kind">Name of an <see cref="IUnitKind"/>.</param>
    /// <param name="settings">What the kind is told; settings that have their default are best left out (<see cref="UnitSettings"/>).</param>
    /// <param name="inputs">Ids of units, or hashes of contents (<see cref="UnitStore.Import"/>), in the order the kind expects.</param>
    public WorkUnit(string kind, JsonObject settings, IReadOnlyList<string> inputs)
    {
        if (string.IsNullOrWhiteSpace(kind)) throw new UserException("a unit has no kind", "Say what it computes.");
        if (inputs.FirstOrDefault(i => !IsId(i)) is { } bad)
            throw new UserException($"'{bad}' is no input of a unit", $"Give the {IdLength} lower-case digits of a unit or of a content.");
        (Kind, _settings, Inputs) = (kind, settings.DeepClone().AsObject(), [.. inputs]);
        Id = CanonicalJson.Hash(Document());
    }

    public string Kind { get; }

    public IReadOnlyList<string> Inputs { get; }

    /// <summary>A copy of the settings.</summary>
    public JsonObject Settings => _settings.DeepClone().AsObject();

    /// <summary>SHA-256 of the canonical document, 64 hex digits.</summary>
    public string Id { get; }

    /// <summary>Whether a text has the form of an id.</summary>
    public static bool IsId(string text) => text.Length == IdLength && text.All(char.IsAsciiHexDigitLower);

    /// <summary>What the id is the hash of; no settings and no inputs are left out.</summary>
    public JsonObject Document()
    {
        var document = new JsonObject { ["schema"] = CurrentSchema, ["kind"] = Kind };
        if (_settings.Count > 0) document["settings"] = Settings;
        if (Inputs.Count > 0) document["inputs"] = new JsonArray([.. Inputs.Select(i => JsonValue.Create(i))]);
        return document;
    }

    /// <summary>Reads a document.</summary>
    /// <param name="text">The document.</param>
    /// <param name="file">The file that it came from, for messages.</param>
    /// <exception cref="UserException">It is no document of a unit.</exception>
    public static WorkUnit Parse(string text, string file)
    {
        var read = Json.Parse<UnitDocument>(text, file, "unit");
        Json.CheckSchema(read.Schema, CurrentSchema, file);
        return new WorkUnit(read.Kind, read.Settings ?? [], read.Inputs ?? []);
    }

    private sealed record UnitDocument(string Schema, string Kind, JsonObject? Settings = null, IReadOnlyList<string>? Inputs = null);
}
