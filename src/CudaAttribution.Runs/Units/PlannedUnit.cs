using System.Text.Json.Nodes;

namespace CudaAttribution.Runs.Units;

/// <summary>A unit as a plan declares it.</summary>
/// <param name="Kind">Name of its kind.</param>
/// <param name="Settings">As <see cref="WorkUnit"/>; null for none.</param>
/// <param name="Inputs">Names of units of the plan, or ids of units or contents of the store; null for none.</param>
public sealed record PlannedUnit(string Kind, JsonObject? Settings = null, IReadOnlyList<string>? Inputs = null);
