namespace CudaAttribution.Runs.Units;

/// <summary>What a worker did for a finished unit.</summary>
public enum UnitOutcome
{
    /// <summary>Its result was there.</summary>
    Found,

    /// <summary>It computed the result.</summary>
    Computed,
}
