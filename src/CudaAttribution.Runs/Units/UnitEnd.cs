namespace CudaAttribution.Runs.Units;

/// <summary>How a unit ended.</summary>
/// <param name="Unit">Its id.</param>
/// <param name="Ending">How.</param>
/// <param name="Reason">Why it has no result; empty where it has.</param>
public sealed record UnitEnd(string Unit, UnitEnding Ending, string Reason = "")
{
    public bool IsFinished => Ending is UnitEnding.Found or UnitEnding.Computed;
}
