using CudaAttribution.Driver;

namespace CudaAttribution.KernelReport.Bench;

/// <summary>A launch of a benchmark case.</summary>
/// <param name="Case">Op and case, the engine where it is not the default.</param>
/// <param name="Flops">Operations it is there for; 0 where bytes are its work.</param>
/// <param name="Bytes">The least it has to move.</param>
public sealed record BenchLaunch(string Case, string Kernel, Grid Grid, double Flops, double Bytes)
{
    public long Blocks => (long)Grid.X * Grid.Y * Grid.Z;
}
