namespace CudaAttribution.Runs.Units;

/// <summary>How units are given to Slurm.</summary>
public sealed record SlurmOptions
{
    /// <summary>More arguments of <c>sbatch</c>: partition, memory, time limit, GPUs of one unit.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>Units of one array; a cluster's MaxArraySize is 1001 where nobody has set it.</summary>
    public int ArraySize { get; init; } = 1000;

    /// <summary>Between two questions to Slurm.</summary>
    public TimeSpan Poll { get; init; } = TimeSpan.FromSeconds(5);
}
