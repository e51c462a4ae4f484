using System.Diagnostics;
using CudaAttribution.Tensors;

namespace CudaAttribution.Models;

/// <summary>Time of one kind of work on a model.</summary>
/// <param name="MedianMs">Median of the repeats, milliseconds.</param>
/// <param name="MinMs">The fastest.</param>
/// <param name="Count">Repeats, warm-up left out.</param>
/// <param name="Shares">Share of the time by kernel family, the largest first; from a separate pass that waits for each launch.</param>
public sealed record ModelTiming(double MedianMs, double MinMs, int Count, IReadOnlyList<KeyValuePair<string, double>> Shares);

/// <summary>
/// Times what the product spends its time with: a training step and a guided sampling step of a model (<c>cudattr bench --model</c>).
/// </summary>
public static class ModelBenchmark
{
    /// <summary>
    /// Training steps of the UNet: noising, forward, backward, clipping, AdamW, running average. Random pictures; time does not depend on them.
    /// </summary>
    /// <param name="device">Where.</param>
    /// <param name="path">The model.</param>
    /// <param name="how">Batch size, running average and activation checkpointing; the rest is set here.</param>
    /// <param name="steps">Timed steps.</param>
    /// <param name="warmup">Steps before them.</param>
    public static ModelTiming TrainingStep(ComputeDevice device, ModelReference path, TrainOptions how, int steps, int warmup)
    {
        int batch = how.BatchSize;
        using var model = DiffusionModel.Load(path, device, ModelUse.TrainUNet);
        int size = model.PictureSize;
        var pixels = new byte[batch * size * size * 3];
        var random = new PhiloxSequence(1, Philox.Stream("bench"));
        for (int i = 0; i < pixels.Length; i++) pixels[i] = (byte)random.NextWord();
        var set = new TrainingSet(pixels, size, size, [.. Enumerable.Range(0, batch).Select(i => $"picture {i}")]);
        var options = how with { Steps = warmup + steps, LearningRate = 1e-4, ReportInterval = 1 };
        var seconds = new List<double>();
        using (var trainer = new Trainer(model, set, options)) Time(seconds, warmup, tick => trainer.Run(_ => tick()));
        return Timing(seconds, Profile(device, () =>
        {
            using var trainer = new Trainer(model, set, options with { Steps = Math.Max(1, warmup) });
            trainer.Run();
        }));
    }

    /// <summary>DDIM steps with guidance over <paramref name="pictures"/> pictures at once.</summary>
    public static ModelTiming SamplingStep(ComputeDevice device, ModelReference path, int pictures, int steps, int warmup, double guidance)
    {
        using var model = DiffusionModel.Load(path, device);
        var requests = SampleRequest.For([.. Enumerable.Range(0, pictures).Select(i => $"picture {i}")], seed: 1);
        var sampler = new Sampler(model, new SampleOptions { Steps = warmup + steps + 1, Guidance = guidance, MaxBatch = pictures });
        var seconds = new List<double>();
        // A call comes before each step and one at the end, after decoding, which is not timed.
        Time(seconds, warmup + 1, tick => sampler.Sample(requests, progress =>
        {
            device.Synchronize();
            if (progress.Pictures < requests.Length) tick();
        }));
        var shortRun = new SampleOptions { Steps = Math.Max(1, warmup), Guidance = guidance, MaxBatch = pictures };
        return Timing(seconds, Profile(device, () => new Sampler(model, shortRun).Sample(requests)));
    }

    private static void Time(List<double> seconds, int skipped, Action<Action> run)
    {
        long last = Stopwatch.GetTimestamp();
        int seen = 0;
        run(() =>
        {
            if (++seen > skipped) seconds.Add(Stopwatch.GetElapsedTime(last).TotalSeconds);
            last = Stopwatch.GetTimestamp();
        });
    }

    private static LaunchProfile Profile(ComputeDevice device, Action run)
    {
        var profile = new LaunchProfile();
        device.Profile = profile;
        try
        {
            run();
        }
        finally
        {
            device.Profile = null;
        }
        return profile;
    }

    private static ModelTiming Timing(List<double> seconds, LaunchProfile profile)
    {
        double[] sorted = [.. seconds.Order()];
        double total = profile.Total.TotalSeconds;
        var shares = profile.Kernels
            .GroupBy(k => Family(k.Kernel))
            .Select(g => KeyValuePair.Create(g.Key, g.Sum(k => k.Time.TotalSeconds) / total))
            .OrderByDescending(s => s.Value);
        return new ModelTiming(1e3 * sorted[sorted.Length / 2], 1e3 * sorted[0], sorted.Length, [.. shares]);
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
