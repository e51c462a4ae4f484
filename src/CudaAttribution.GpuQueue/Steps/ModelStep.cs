using System.Text.Json.Nodes;
using CudaAttribution.GpuQueue.Queue;
using CudaAttribution.Models.Benchmark;
using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Training;

namespace CudaAttribution.GpuQueue.Steps;

/// <summary>A guided sampling step or a training step of a UNet with random weights: as it is issued, and replayed as a graph.</summary>
internal sealed class ModelStep : IStep
{
    private const ulong Seed = 27;
    private const double Guidance = 7.5;

    public int Run(StepContext context)
    {
        using var device = context.Open();
        var preset = StepModel.Of(context);
        bool training = context.Step.Part == "training";
        int batch = StepModel.Batch(context);
        var repeats = context.Reduced ? new BenchRepeats(1, 1) : new BenchRepeats(context.Step.Repeats ?? 10, 3);
        using var model = BenchModel.Random(preset, device, training ? ModelUse.TrainUNet : ModelUse.Sampling, Seed);
        var timing = training
            ? ModelBenchmark.Training(model, new TrainOptions { Steps = 1, BatchSize = batch, EmaDecay = 0 }, repeats)
            : ModelBenchmark.Sampling(model, batch, repeats, Guidance);
        var result = QueueJson.Object(timing);
        var head = new JsonObject
        {
            ["what"] = "model", ["model"] = preset.Name, ["part"] = context.Step.Part, ["math"] = context.Step.Engine, ["batch"] = batch,
            ["parameters"] = model.ParameterCount,
        };
        foreach (var (name, value) in head.Reverse().ToArray()) result.Insert(0, name, value?.DeepClone());
        StepContext.Emit(result);
        return StepCode.Done;
    }
}
