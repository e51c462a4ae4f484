namespace CudaAttribution.Runs.Units;

/// <summary>Why the last attempt at a unit failed; gone when another one begins.</summary>
/// <param name="Time">When.</param>
/// <param name="Machine">Where.</param>
/// <param name="Reason">What was said; of a defect of the program, with the stack trace.</param>
public sealed record UnitFailure(DateTimeOffset Time, string Machine, string Reason)
{
    public const string FileName = "failure.json";
}
