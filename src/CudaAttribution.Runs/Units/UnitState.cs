namespace CudaAttribution.Runs.Units;

/// <summary>Where a unit of a store stands.</summary>
public enum UnitState
{
    /// <summary>Described, and never begun.</summary>
    Planned,

    /// <summary>A worker has it.</summary>
    Running,

    /// <summary>An attempt was cut off, and nobody has it.</summary>
    Interrupted,

    /// <summary>The last attempt failed.</summary>
    Failed,

    /// <summary>Its result is there.</summary>
    Finished,
}
