using CudaAttribution.Driver;
using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Schedulers;
using CudaAttribution.Models.Training;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;
using CudaAttribution.Tensors.Verification;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests;

/// <summary>Steps recorded as a graph: nothing of them touches the host, and a replay has the bits of the issued step.</summary>
public class RecordedStepTests : DeviceFixture
{
    [TestCase(SolverKind.Ddim, 0)]
    [TestCase(SolverKind.Ddim, 1)]
    [TestCase(SolverKind.DpmSolver, 0)]
    public void AGuidedSamplingStepHasTheBitsOfTheIssuedOne(SolverKind solver, double eta)
    {
        using var model = Tiny.Model(Device, ModelUse.Sampling);
        using var arena = new Arena(Device);
        var plan = SamplingPlan.Of(model.Scheduler, solver, 4, eta);
        var (start, x) = (arena.New(new Shape(2, 8, 8, 3)), arena.New(new Shape(2, 8, 8, 3)));
        var noise = eta > 0 ? arena.New(x.Shape) : null;
        foreach (var (tensor, stream) in new[] { (start, 1UL), (noise, 2UL) })
        {
            if (tensor is not null) RandomNumbers.Normal(tensor, 3, stream);
        }
        var text = Text(model, arena);
        var timesteps = Sampler.Timesteps(arena, plan.Steps.Select(s => s.Timestep), 4);
        var memory = plan.Multistep ? new SolverMemory(arena, x.Shape, plan.Prediction) : null;
        void Step(int k) => Sampler.Step(model.UNet, x, text, timesteps.Rows(k, 1).View(4), plan.Steps[k], 2, noise, memory);

        Restart();
        Step(1);
        float[] expected = x.ToArray<float>();
        Restart();
        float[] before = x.ToArray<float>();
        using var graph = DeviceGraph.Record(Device, () => Step(1));
        Assert.That(x.ToArray<float>(), Is.EqualTo(before), "recording computes nothing");
        graph.Replay(Device.Stream);
        Assert.That(x.ToArray<float>(), Is.EqualTo(expected));
        Assert.That(expected, Is.Not.EqualTo(before));

        // The second step: a multistep solver then has the first one's x̂0.
        void Restart()
        {
            Device.Driver.CopyOnDevice(x.Pointer, start.Pointer, x.Bytes, Device.Stream);
            Step(0);
        }
    }

    [TestCase(ModelUse.TrainUNet, false, 1, false, 0)]
    [TestCase(ModelUse.TrainAll, false, 1, false, 0)]
    [TestCase(ModelUse.TrainUNet, true, 2, true, 5)]
    public void ATrainingStepHasTheBitsOfTheIssuedOne(ModelUse use, bool latents, int parts, bool checkpointing, double gamma)
    {
        var options = new TrainOptions
        {
            Steps = 4, BatchSize = 4, LearningRate = 1e-3, EmaDecay = 0.9, Seed = 5, ReportInterval = 4,
            GradientAccumulation = parts, ActivationCheckpointing = checkpointing,
        };
        var issued = Train((state, _) => state.Step(1));
        var replayed = Train((state, model) =>
        {
            float[] before = model.Trained.Values.ToArray<float>();
            state.Upload(1);
            using var graph = DeviceGraph.Record(Device, () => state.Compute(1));
            Assert.That(model.Trained.Values.ToArray<float>(), Is.EqualTo(before), "recording computes nothing");
            graph.Replay(Device.Stream);
        });
        var other = Train((state, _) =>
        {
            state.Upload(1);
            using var graph = DeviceGraph.Record(Device, () => state.Compute(1));
            state.Upload(2);
            graph.Replay(Device.Stream);
        });
        Assert.That(replayed.Losses, Is.EqualTo(issued.Losses).And.All.Positive);
        Assert.That(replayed.Weights, Is.EqualTo(issued.Weights));
        Assert.That(replayed.Average, Is.EqualTo(issued.Average).And.Not.EqualTo(issued.Weights));
        Assert.That(other.Losses[1], Is.Not.EqualTo(issued.Losses[1]), "a replay computes on what was uploaded last");

        (float[] Losses, float[] Weights, float[] Average) Train(Action<TrainingState, DiffusionModel> second)
        {
            using var model = latents ? Tiny.LatentModel(Device, use) : Tiny.Model(Device, use);
            using var state = new TrainingState(Tiny.Step(model, options, objective: Tiny.Objective with { MinSnrGamma = gamma }), options);
            state.StartAverage();
            state.Step(0);
            second(state, model);
            var (losses, weights) = (state.TakeLosses(), model.Trained.Values.ToArray<float>());
            state.UseAverage();
            return (losses, weights, model.Trained.Values.ToArray<float>());
        }
    }

    [Test]
    public void WhatTouchesTheHostIsRefusedAndTheStreamGoesOn()
    {
        using var arena = new Arena(Device);
        var x = arena.Zeros(new Shape(3));
        Assert.That(
            () => DeviceGraph.Record(Device, () => x.CopyFrom<float>([1, 2, 3])),
            Throws.TypeOf<DeviceException>().With.Property(nameof(DeviceException.Status)).EqualTo(DeviceStatus.StreamCaptureUnsupported));
        InPlace.Constant(x, 5);
        Assert.That(x.ToArray<float>(), Is.EqualTo(new float[] { 5, 5, 5 }));
    }

    private static Tensor Text(DiffusionModel model, Arena arena)
    {
        using var tape = new Tape(model.Device, record: false);
        var embedded = model.EncodeText(tape, ["", "", "a red disc", "a blue cross"]);
        return arena.From(embedded.ToArray<float>(), embedded.Shape);
    }
}
