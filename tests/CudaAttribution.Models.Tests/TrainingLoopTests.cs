using CudaAttribution.Images;
using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Training;
using CudaAttribution.Runs;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tensors.Ops;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests;

/// <summary>Training: that it learns, that stopping changes nothing, and what it refuses.</summary>
public class TrainingLoopTests : DeviceFixture
{
    private static readonly TrainOptions Options = new()
    {
        Steps = 6, BatchSize = 5, LearningRate = 1e-3, WarmupSteps = 3, EmaDecay = 0.9, Seed = 5, ReportInterval = 4,
    };

    [Test]
    public void FourPicturesAreLearntByHeart()
    {
        using var model = Tiny.Model(Device);
        var options = Options with { Steps = 400, BatchSize = 8, LearningRate = 3e-3, WarmupSteps = 20, ReportInterval = 100 };
        var (result, _) = Train(model, options, Tiny.Data(4));
        double first = result.Losses.Take(20).Average(), last = result.Losses.TakeLast(100).Average();
        TestContext.Out.WriteLine($"loss {first:F3} to {last:F3}, {result.PicturesPerSecond:F0} pictures/s");
        Assert.That(last, Is.LessThan(0.35 * first));
        var pictures = new Sampler(model, new SampleOptions { Steps = 20, Guidance = 1.5 }).Sample(SampleRequest.For(Tiny.Captions[..4], 3));
        for (int i = 0; i < 4; i++)
        {
            double own = Distance(pictures[i].Pixels, Tiny.Data(4).Picture(i));
            double nearestOther = Enumerable.Range(0, 4).Where(j => j != i).Min(j => Distance(pictures[i].Pixels, Tiny.Data(4).Picture(j)));
            TestContext.Out.WriteLine($"{Tiny.Captions[i]}: {own:F3} from its picture, {nearestOther:F3} from the nearest other");
            Assert.That(own, Is.LessThan(0.5 * nearestOther));
        }
    }

    [Test]
    public void StoppedAndResumedIsNeverStopped([Values(ModelUse.TrainAll, ModelUse.TrainUNet)] ModelUse use, [Values(0.0, 0.9)] double ema)
    {
        var options = Options with { EmaDecay = ema };
        var (whole, hash) = Train(use, options);
        Train(use, options with { Steps = 2, CheckpointFolder = Folder["c"], CheckpointInterval = 2 });
        var going = options with { CheckpointFolder = Folder["c"], CheckpointInterval = 2, Resume = true };
        Assert.That(Train(use, going with { Steps = 4 }).Result.FirstStep, Is.EqualTo(2));
        var (resumed, resumedHash) = Train(use, going);
        Assert.That(resumed.FirstStep, Is.EqualTo(4));
        Assert.That(resumed.Losses, Is.EqualTo(whole.Losses));
        Assert.That(resumedHash, Is.EqualTo(hash));
        Assert.That(Train(use, going).Hash, Is.EqualTo(hash), "a finished run resumes to its result");
    }

    [Test]
    public void CancelledAndResumedIsNeverStopped()
    {
        var (_, hash) = Train(ModelUse.TrainAll, Options);
        using var cancel = new CancellationTokenSource();
        using (var model = Tiny.Model(Device))
        using (var training = Tiny.Training(model, Options with { CheckpointFolder = Folder["c"] }))
        {
            Assert.That(() => training.Run(p => cancel.Cancel(), cancel.Token), Throws.InstanceOf<OperationCanceledException>());
        }
        var (resumed, resumedHash) = Train(ModelUse.TrainAll, Options with { CheckpointFolder = Folder["c"], Resume = true });
        Assert.That((resumed.FirstStep, resumedHash), Is.EqualTo((4, hash)));
    }

    /// <summary>What a kill leaves: half-written folders beside the checkpoints, which are no checkpoints.</summary>
    [Test]
    public void LeftoversOfAKilledRunAreSwept()
    {
        var (_, hash) = Train(ModelUse.TrainAll, Options);
        Train(ModelUse.TrainAll, Options with { Steps = 3, CheckpointFolder = Folder["c"], CheckpointInterval = 3 });
        string half = Folder["c", ".step-00000005.partial-0123"];
        Directory.CreateDirectory(half);
        File.WriteAllText(Path.Combine(half, "state.safetensors"), "half");
        var going = Options with { CheckpointFolder = Folder["c"], CheckpointInterval = 3, Resume = true };
        var (resumed, resumedHash) = Train(ModelUse.TrainAll, going);
        Assert.That((resumed.FirstStep, resumedHash), Is.EqualTo((3, hash)));
        Assert.That(Directory.EnumerateFileSystemEntries(Folder["c"]).Select(Path.GetFileName), Is.EqualTo(new[] { "step-00000006" }));
    }

    [Test]
    public void OnlyTheRunItBelongsToMayResume()
    {
        var saved = Options with { CheckpointFolder = Folder["c"], CheckpointInterval = 3, Resume = true };
        Train(ModelUse.TrainAll, saved with { Steps = 3 });
        void Refused(
            TrainOptions options, string reason, TrainingSet? data = null, ulong seed = 7, ModelUse use = ModelUse.TrainAll,
            DiffusionObjective? objective = null)
        {
            using var model = Tiny.Model(Device, use, seed);
            Assert.That(
                () => Train(model, options, data, objective),
                Throws.TypeOf<ModelFileException>().With.Message.Contains(reason).And.Message.Contains(Folder["c"]));
        }
        Refused(saved with { Resume = false }, "resume it, or use another folder");
        Refused(saved with { LearningRate = 2e-3 }, "learning_rate was 0.001, is 0.002");
        Refused(saved with { BatchSize = 4 }, "batch_size");
        Refused(saved with { GradientAccumulation = 5 }, "gradient_accumulation was absent, is 5");
        Refused(saved with { WarmupSteps = 0 }, "warmup_steps");
        Refused(saved with { MaxGradientNorm = 2 }, "max_gradient_norm");
        Refused(saved, "caption_drop", objective: Tiny.Objective with { CaptionDrop = 0 });
        Refused(saved with { EmaDecay = 0 }, "ema_decay");
        Refused(saved, "min_snr_gamma was absent, is 5", objective: Tiny.Objective with { MinSnrGamma = 5 });
        Refused(saved with { Groups = [ParameterGroup.GainsAndBiasesWithoutDecay] }, "groups was absent, is [{");
        Refused(saved with { Seed = 6 }, "seed");
        Refused(saved with { Optimizer = new AdamWOptions { WeightDecay = 0 } }, "weight_decay");
        Refused(saved, "data was", Tiny.Data(6));
        Refused(saved, "start was", seed: 8);
        Refused(saved, "trains was", use: ModelUse.TrainUNet);
        Refused(saved with { Steps = 2 }, "3 steps, the run only 2");
        string state = Folder["c", "step-00000003", "state.safetensors"];
        byte[] bytes = File.ReadAllBytes(state);
        File.WriteAllBytes(state, bytes[..(bytes.Length / 2)]);
        Refused(saved, "truncated");
        File.Delete(state);
        Refused(saved, "cannot be read");
    }

    [Test]
    public void TwoTrainingsDoNotShareAFolder()
    {
        using var model = Tiny.Model(Device);
        var options = Options with { CheckpointFolder = Folder["c"], CheckpointInterval = 2, Resume = true, ReportInterval = 2 };
        using var training = Tiny.Training(model, options);
        int refused = 0;
        training.Run(_ =>
        {
            Assert.That(() => Train(ModelUse.TrainAll, options), Throws.TypeOf<UserException>().With.Message.Contains("is at work on this folder"));
            refused++;
        });
        Assert.That(refused, Is.EqualTo(3));
        Assert.That(() => Train(ModelUse.TrainAll, options), Throws.Nothing, "the folder is free again");
    }

    [Test]
    public void EveryOptionThatDecidesTheResultChangesIt()
    {
        string hash = Train(ModelUse.TrainAll, Options).Hash;
        Assert.That(Train(ModelUse.TrainAll, Options with { ReportInterval = 1 }).Hash, Is.EqualTo(hash));
        TrainOptions[] others =
        [
            Options with { Steps = 5 }, Options with { BatchSize = 4 }, Options with { LearningRate = 2e-3 }, Options with { WarmupSteps = 0 },
            Options with { MaxGradientNorm = 0.01 }, Options with { MaxGradientNorm = 0 },
            Options with { EmaDecay = 0 }, Options with { Seed = 6 },
            Options with { GradientAccumulation = 5 }, Options with { Groups = [ParameterGroup.GainsAndBiasesWithoutDecay] },
            Options with { Optimizer = new AdamWOptions { WeightDecay = 0.5 } }, Options with { Optimizer = new AdamWOptions { Beta1 = 0.5 } },
            Options with { Optimizer = new AdamWOptions { Beta2 = 0.9 } }, Options with { Optimizer = new AdamWOptions { Epsilon = 1e-3 } },
        ];
        DiffusionObjective[] objectives =
        [
            Tiny.Objective with { CaptionDrop = 0 }, Tiny.Objective with { MinSnrGamma = 5 }, Tiny.Objective with { MinSnrGamma = 1 },
        ];
        string[] hashes =
        [
            .. others.Select(o => Train(ModelUse.TrainAll, o).Hash), .. objectives.Select(o => Train(ModelUse.TrainAll, Options, o).Hash),
        ];
        Assert.That(hashes, Has.None.EqualTo(hash));
        Assert.That(hashes, Is.Unique);
    }

    [Test]
    public void AFrozenTextEncoderStaysAsItIs()
    {
        using var model = Tiny.Model(Device, ModelUse.TrainUNet);
        string[] Embedded()
        {
            using var tape = new Tape(Device, record: false);
            return [string.Join(' ', model.EncodeText(tape, Tiny.Captions).ToArray<float>())];
        }
        var before = Embedded();
        Train(model, Options);
        Assert.That(Embedded(), Is.EqualTo(before));
    }

    /// <summary>
    /// Both ways of embedding captions are the same numbers: the loss of the first step agrees bit for bit.
    /// </summary>
    [Test]
    public void CachedAndComputedEmbeddingsAgree() =>
        Assert.That(
            Train(ModelUse.TrainUNet, Options with { Steps = 1 }).Result.Losses,
            Is.EqualTo(Train(ModelUse.TrainAll, Options with { Steps = 1 }).Result.Losses));

    [Test]
    public void SimtGivesTheBitsOfCpu()
    {
        var options = Options with { Steps = 2, BatchSize = 2 };
        using var simt = ComputeDevice.Open("simt");
        using var model = Tiny.Model(simt);
        var (result, hash) = Train(model, options);
        var (expected, expectedHash) = Train(ModelUse.TrainAll, options);
        Assert.That(result.Losses, Is.EqualTo(expected.Losses));
        Assert.That(hash, Is.EqualTo(expectedHash));
    }

    [Test]
    public void ADivergedRunIsStoppedByName()
    {
        using var model = Tiny.Model(Device);
        Assert.That(
            () => Train(model, Options with { LearningRate = 1e18, WarmupSteps = 0, CheckpointFolder = Folder["c"], CheckpointInterval = 1 }),
            Throws.TypeOf<NotFiniteNumberException>().With.Message.Contains("step").And.Message.Contains("smaller learning rate"));
        Assert.That(Directory.EnumerateDirectories(Folder["c"]).Select(d => Path.GetFileName(d)!), Has.None.EqualTo("step-00000006"));
    }

    [Test]
    public void ProgressAndLossesAreReported()
    {
        var seen = new List<TrainProgress>();
        using var model = Tiny.Model(Device);
        using var training = Tiny.Training(model, Options);
        var result = training.Run(seen.Add);
        Assert.That(seen.Select(p => (p.Step, p.Steps)), Is.EqualTo(new[] { (4, 6), (6, 6) }));
        Assert.That(seen[1].Loss, Is.EqualTo(result.Losses.TakeLast(2).Average()).Within(1e-6));
        Assert.That(seen[1].Remaining, Is.EqualTo(TimeSpan.Zero));
        Assert.That(seen, Has.All.Property("PicturesPerSecond").GreaterThan(0));
        Assert.That(result.Losses, Has.Count.EqualTo(6));
        long unpadded = 4 * (model.UNetParameterCount + model.TextEncoderParameterCount);
        Assert.That(result.Memory.Weights, Is.InRange(unpadded, unpadded * 11 / 10));
        Assert.That(
            (result.Memory.Gradients, result.Memory.Optimizer, result.Memory.Average),
            Is.EqualTo((result.Memory.Weights, 2 * result.Memory.Weights, result.Memory.Weights)));
        Assert.That(result.Memory.Activations, Is.Positive);
    }

    /// <summary>After the first step, nothing is taken from the driver any more.</summary>
    [Test]
    public void StepsReuseTheMemoryOfTheFirst()
    {
        using var model = Tiny.Model(Device);
        using var training = Tiny.Training(model, Options with { ReportInterval = 1 });
        var reserved = new List<long>();
        training.Run(_ => reserved.Add(Device.Pool.Reserved));
        Assert.That(reserved.Skip(1), Has.All.EqualTo(reserved[0]));
    }

    [Test]
    public void WhatCannotBeTrainedIsRefused()
    {
        using var model = Tiny.Model(Device);
        using var sampling = Tiny.Model(Device, ModelUse.Sampling);
        Assert.That(
            () => new DiffusionTask(sampling, Tiny.Data()),
            Throws.InvalidOperationException.With.Message.Contains("open it for training"));
        Assert.That(
            () => new DiffusionTask(model, new TrainingSet([new RgbImage(16, 16, new byte[16 * 16 * 3])], ["x"])),
            Throws.ArgumentException.With.Message.Contains("16x16, the model takes 8x8"));
        File.WriteAllText(Folder["file"], "x");
        Assert.That(
            () => Tiny.Training(model, Options with { CheckpointFolder = Folder["file", "below"] }),
            Throws.TypeOf<ModelFileException>().With.Message.Contains(Folder["file", "below"]));
        foreach (var (options, name) in new (TrainOptions, string)[]
        {
            (Options with { Steps = 0 }, "Steps"),
            (Options with { BatchSize = 0 }, "BatchSize"),
            (Options with { GradientAccumulation = 0 }, "GradientAccumulation is 0. It must be positive"),
            (Options with { GradientAccumulation = 2 }, "GradientAccumulation is 2. It must be a divisor of the batch size 5"),
            (Options with { LearningRate = 0 }, "LearningRate"),
            (Options with { WarmupSteps = -1 }, "WarmupSteps"),
            (Options with { MaxGradientNorm = double.NaN }, "MaxGradientNorm"),
            (Options with { EmaDecay = 1 }, "EmaDecay"),
            (Options with { ReportInterval = 0 }, "ReportInterval"),
            (Options with { CheckpointInterval = -1 }, "CheckpointInterval"),
            (Options with { Optimizer = new AdamWOptions { Beta1 = 1 } }, "beta1"),
            (Options with { Steps = 500_000_000 }, "Steps"),
        })
        {
            Assert.That(() => Tiny.Training(model, options), Throws.TypeOf<UserException>().With.Message.Contains(name));
        }
        foreach (var (options, name) in new (TrainOptions, string)[]
        {
            (Options with { CheckpointInterval = 2 }, "CheckpointFolder"),
            (Options with { Resume = true }, "CheckpointFolder"),
            (Options with { Groups = [new ParameterGroup("nobody", (_, _) => false)] }, "nobody"),
        })
        {
            Assert.That(() => Tiny.Training(model, options), Throws.ArgumentException.With.Message.Contains(name));
        }
        foreach (var (objective, name) in new (DiffusionObjective, string)[]
        {
            (new DiffusionObjective { CaptionDrop = 1.1 }, "CaptionDrop"),
            (new DiffusionObjective { MinSnrGamma = -1 }, "MinSnrGamma"),
            (new DiffusionObjective { MinSnrGamma = double.NaN }, "MinSnrGamma"),
        })
        {
            Assert.That(() => Tiny.Task(model, objective: objective), Throws.TypeOf<UserException>().With.Message.Contains(name));
        }
    }

    private static double Distance(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++) sum += (a[i] - b[i]) * (double)(a[i] - b[i]);
        return Math.Sqrt(sum / a.Length) / 255;
    }

    private (TrainResult Result, string Hash) Train(ModelUse use, TrainOptions options, DiffusionObjective? objective = null)
    {
        using var model = Tiny.Model(Device, use);
        return Train(model, options, objective: objective);
    }

    private static (TrainResult Result, string Hash) Train(
        DiffusionModel model, TrainOptions options, TrainingSet? data = null, DiffusionObjective? objective = null)
    {
        using var training = Tiny.Training(model, options, data, objective);
        var result = training.Run();
        return (result, model.WeightsHash());
    }
}
