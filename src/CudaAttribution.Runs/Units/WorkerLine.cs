using System.Text.Json;
using System.Text.Json.Serialization;

namespace CudaAttribution.Runs.Units;

/// <summary>A line of a worker's standard output: how far it is, or at the end what it did.</summary>
public sealed record WorkerLine(UnitProgress? Progress = null, UnitOutcome? Outcome = null)
{
    private static readonly JsonSerializerOptions OneLine = new(Json.Options)
    {
        WriteIndented = false,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    public string Write() => JsonSerializer.Serialize(this, OneLine);

    /// <summary>Null where the line is none.</summary>
    public static WorkerLine? TryParse(string line)
    {
        try
        {
            return line.StartsWith('{') ? JsonSerializer.Deserialize<WorkerLine>(line, OneLine) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
