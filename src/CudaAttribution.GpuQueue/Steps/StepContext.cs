using System.Diagnostics;
using System.Text.Json.Nodes;
using CudaAttribution.GpuQueue.Queue;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tensors.Verification;

namespace CudaAttribution.GpuQueue.Steps;

/// <summary>What a step works with.</summary>
/// <param name="Step">The step.</param>
/// <param name="Device">Id of the device.</param>
/// <param name="Seconds">Time it should be done in.</param>
/// <param name="Reduced">Small shapes, for a rehearsal where kernels are emulated.</param>
/// <param name="GoldenFile">The bits of <c>cpu</c>.</param>
/// <param name="ResultsFolder">Results of the steps before.</param>
internal sealed record StepContext(QueueStep Step, string Device, double Seconds, bool Reduced, string GoldenFile, string ResultsFolder)
{
    private readonly Stopwatch _watch = Stopwatch.StartNew();

    /// <summary>Seconds that are left.</summary>
    public double Left => Seconds - _watch.Elapsed.TotalSeconds;

    /// <summary>The step's device with its engine.</summary>
    public ComputeDevice Open(bool guardBands = false) => ComputeDevice.Open(Device, Step.Engine, guardBands);

    /// <summary>Hands a result to the queue.</summary>
    public static void Emit(JsonObject result)
    {
        Console.Out.WriteLine(result.ToJsonString(QueueJson.Lines));
        Console.Out.Flush();
    }

    /// <summary>The benchmark's cases that the step is about; the audit's, which are small, in a rehearsal.</summary>
    public OpCase[] Cases() => [.. OpCatalog.All.Where(c => c.BenchOnly != Reduced && (Step.Op is null || c.Op.Contains(Step.Op, StringComparison.Ordinal)))];
}

/// <summary>A kind of step.</summary>
internal interface IStep
{
    /// <summary>Does it and emits what it finds.</summary>
    /// <returns>A <see cref="StepCode"/>.</returns>
    int Run(StepContext context);
}
