namespace CudaAttribution.Driver.Planning;

/// <summary>A launch that a <see cref="PlanningDriver"/> was asked for.</summary>
/// <param name="Kernel">Entry name.</param>
/// <param name="Grid">Its blocks.</param>
/// <param name="Bytes">Size of the allocations that its parameters point into, each counted once: what it has to move at least if it uses all of them.</param>
public readonly record struct PlannedLaunch(string Kernel, Grid Grid, long Bytes);
