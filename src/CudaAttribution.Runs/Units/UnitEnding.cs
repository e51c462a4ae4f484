namespace CudaAttribution.Runs.Units;

/// <summary>How a unit ended.</summary>
public enum UnitEnding
{
    /// <summary>Its result was there before, or another runner's worker computed it.</summary>
    Found,

    /// <summary>It was computed.</summary>
    Computed,

    /// <summary>Its worker failed or was killed.</summary>
    Failed,

    /// <summary>Something it is made from has no result.</summary>
    Skipped,

    /// <summary>The run was stopped before it was finished.</summary>
    Stopped,
}
