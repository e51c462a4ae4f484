namespace CudaAttribution.GpuQueue.Queue;

/// <summary>Exit codes of a step and of the program.</summary>
internal static class StepCode
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int WrongUsage = 2;
    public const int CheckFailed = 3;

    /// <summary>What the step needs is not on this machine.</summary>
    public const int Skipped = 4;

    /// <summary>The step's box was used up; what it has emitted stands.</summary>
    public const int OutOfTime = 5;
}
