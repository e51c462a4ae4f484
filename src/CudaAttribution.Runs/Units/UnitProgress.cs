namespace CudaAttribution.Runs.Units;

/// <summary>How far long work is.</summary>
/// <param name="Unit">Id of the unit that is at work.</param>
/// <param name="Activity">What is being done: <c>draw pictures</c>.</param>
/// <param name="Done">How much of it is done.</param>
/// <param name="Total">Out of how much.</param>
/// <param name="Details">What else is worth knowing: loss, speed.</param>
/// <param name="Remaining">Time left, where the work knows better than the clock.</param>
public sealed record UnitProgress(string Unit, string Activity, long Done, long Total, string Details = "", TimeSpan? Remaining = null);
