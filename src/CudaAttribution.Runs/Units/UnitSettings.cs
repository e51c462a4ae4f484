using System.Text.Json;
using System.Text.Json.Nodes;

namespace CudaAttribution.Runs.Units;

/// <summary>
/// Settings of a kind as a record of its own and back. What has its default is left out, so that a setting that is added later changes no id of
/// before.
/// </summary>
public static class UnitSettings
{
    /// <summary>The members of <paramref name="settings"/> that differ from <paramref name="defaults"/>.</summary>
    public static JsonObject Write<T>(T settings, T defaults)
        where T : notnull
    {
        var written = JsonSerializer.SerializeToNode(settings, Json.Options)!.AsObject();
        var usual = JsonSerializer.SerializeToNode(defaults, Json.Options)!.AsObject();
        foreach (var (name, value) in usual)
            if (JsonNode.DeepEquals(written[name], value)) written.Remove(name);
        return written;
    }

    /// <summary>The settings of a unit.</summary>
    /// <exception cref="UserException">A setting is missing, unknown, or of another type.</exception>
    public static T Read<T>(WorkUnit unit)
        where T : notnull
    {
        try
        {
            return unit.Settings.Deserialize<T>(Json.Options)!;
        }
        catch (JsonException e)
        {
            throw new UserException(
                $"these are no settings of a unit of kind '{unit.Kind}': {e.Message.TrimEnd('.')}", "Mend the plan that it comes from.", unit.Id, e);
        }
    }
}
