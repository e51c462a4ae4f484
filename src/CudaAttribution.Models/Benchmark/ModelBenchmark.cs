using CudaAttribution.Driver;
using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Schedulers;
using CudaAttribution.Models.Training;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Verification;

namespace CudaAttribution.Models.Benchmark;

/// <summary>
/// Times what the product spends its time with: a training step and a guided sampling step of a UNet.
/// </summary>
public static class ModelBenchmark
{
    private const int SamplingSteps = 50;

    private static readonly ulong NoiseStream = Philox.Stream("bench.noise");

    /// <summary>
    /// Training steps: noising, forward, backward, clipping, AdamW, running average. On random pictures; time does not depend on them.
    /// </summary>
    /// <param name="model">Opened for training.</param>
    /// <param name="how">Batch size, micro-batches, running average, activation checkpointing; steps, learning rate and reports are set here.</param>
    /// <param name="repeats">How often.</param>
    /// <exception cref="ArgumentException">An option makes no sense.</exception>
    /// <exception cref="InvalidOperationException">The model was opened for sampling.</exception>
    /// <exception cref="DeviceOutOfMemoryException">It does not fit.</exception>
    public static ModelTiming Training(BenchModel model, TrainOptions how, BenchRepeats repeats)
    {
        repeats.Validate();
        var options = how with { Steps = repeats.Issued, LearningRate = 1e-4, ReportInterval = repeats.Issued };
        options.Validate();
        model.Device.Pool.ResetPeaks();
        using var state = new TrainingState(model.TrainingStep(options), options);
        state.StartAverage();
        return Measure(model.Device, repeats, state.Upload, state.Compute);
    }

    /// <summary>DDIM steps over <paramref name="pictures"/> pictures at once, guided where <paramref name="guidance"/> is above 1.</summary>
    /// <param name="model">The model.</param>
    /// <param name="pictures">N; the UNet gets 2N samples with guidance.</param>
    /// <param name="repeats">How often.</param>
    /// <param name="guidance">w.</param>
    /// <exception cref="ArgumentException">An argument makes no sense.</exception>
    /// <exception cref="DeviceOutOfMemoryException">It does not fit.</exception>
    public static ModelTiming Sampling(BenchModel model, int pictures, BenchRepeats repeats, double guidance)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(pictures);
        repeats.Validate();
        model.Device.Pool.ResetPeaks();
        using var arena = new Arena(model.Device);
        var config = model.UNet.Config;
        int rows = guidance > 1 ? 2 * pictures : pictures;
        var start = arena.New(new Shape(pictures, config.SampleSize, config.SampleSize, config.InChannels));
        var x = arena.New(start.Shape);
        Tensors.Ops.RandomNumbers.Normal(start, 1, NoiseStream);
        var text = model.Text(arena, rows);
        var steps = DdimScheduler.Steps(model.Scheduler, SamplingSteps);
        var timesteps = Sampler.Timesteps(arena, steps.Select(s => s.Timestep), rows);
        return Measure(model.Device, repeats, Begin, Step);

        // Every step from the same noise: what random weights give would grow from step to step.
        void Begin(int number) => x.CopyFrom(start);

        void Step(int number)
        {
            int k = number % steps.Count;
            Sampler.Step(model.UNet, x, text, timesteps.Rows(k, 1).View(rows), steps[k], guidance);
        }
    }

    /// <param name="device">Where.</param>
    /// <param name="repeats">How often.</param>
    /// <param name="prepare">The part of a step that cannot be recorded, from its number.</param>
    /// <param name="compute">The rest.</param>
    private static ModelTiming Measure(ComputeDevice device, BenchRepeats repeats, Action<int> prepare, Action<int> compute)
    {
        int number = 0;
        void Step()
        {
            prepare(number);
            compute(number++);
        }

        for (int i = 0; i < repeats.Warmup; i++) Step();
        device.Synchronize();
        var issued = TimeStatistics.Of(DeviceTimer.Times(device, Step, repeats.Steps));
        using var profile = Profile(device, repeats.Profiled, Step);
        prepare(number);
        var replayed = Replay(device, repeats.Steps, () => compute(number), out string? problem);
        double total = profile.Total.TotalMilliseconds;
        KernelCost[] kernels =
            [.. profile.Kernels.Select(k => new KernelCost(k.Kernel, k.Launches / repeats.Profiled, k.Time.TotalMilliseconds / repeats.Profiled))];
        var shares = profile.Kernels
            .GroupBy(k => Family(k.Kernel))
            .Select(g => KeyValuePair.Create(g.Key, g.Sum(k => k.Time.TotalMilliseconds) / total))
            .OrderByDescending(s => s.Value);
        return new ModelTiming(
            issued.MedianMs, issued.MinMs, issued.P90Ms, issued.Count, replayed?.MedianMs, replayed?.MinMs, problem,
            kernels.Sum(k => k.Launches), kernels, [.. shares], device.Pool.PeakReserved);
    }

    /// <summary>Times a recorded step. Nothing else runs on the device until the graph is gone, as <see cref="DeviceGraph"/> demands.</summary>
    private static TimeStatistics? Replay(ComputeDevice device, int times, Action compute, out string? problem)
    {
        problem = DeviceGraph.Problem(device);
        if (problem is not null) return null;
        try
        {
            using var graph = DeviceGraph.Record(device, compute);
            graph.Replay(device.Stream);
            device.Synchronize();
            return TimeStatistics.Of(DeviceTimer.Times(device, () => graph.Replay(device.Stream), times));
        }
        catch (DeviceException e)
        {
            // The issued steps stand; a library of others may do what cannot be recorded.
            problem = e.Message;
            return null;
        }
    }

    private static LaunchProfile Profile(ComputeDevice device, int times, Action step)
    {
        var profile = new LaunchProfile();
        device.Profile = profile;
        try
        {
            for (int i = 0; i < times; i++) step();
            device.Synchronize();
        }
        finally
        {
            device.Profile = null;
        }
        return profile;
    }

    private static string Family(string kernel)
    {
        string[] words = kernel.Split('_');
        return words[0] switch
        {
            "gemm" or "transpose" or "split" or "bias" => "linear and weight sums",
            "conv2d" => "convolution",
            "group" or "layer" or "norm" => "norms",
            "attention" or "softmax" => "attention",
            "adamw" or "grad" or "ema" => "optimiser",
            _ => "elementwise and rest",
        };
    }
}
