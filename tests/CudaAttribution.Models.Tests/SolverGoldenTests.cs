using System.Text.Json;
using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Layers;
using CudaAttribution.Models.Schedulers;
using CudaAttribution.Models.UNet;
using CudaAttribution.Runs;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tensors.Ops;
using CudaAttribution.Tensors.Weights;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests;

/// <summary>Euler and DPM-Solver++ against the oracle, which computes in σ and float64; guided, five steps.</summary>
public class SolverGoldenTests
{
    [Test, Combinatorial]
    public void FiveSteps(
        [Values] PredictionType prediction,
        [Values("euler.leading", "euler.trailing", "dpm_solver.leading", "dpm_solver.linspace", "dpm_solver.trailing")] string run)
    {
        var solver = run.StartsWith("euler", StringComparison.Ordinal) ? SolverKind.Euler : SolverKind.DpmSolver;
        var spacing = Enum.Parse<TimestepSpacing>(run.Split('.')[1], ignoreCase: true);
        using var golden = new Golden("solvers");
        var config = new SchedulerConfig { PredictionType = prediction, TimestepSpacing = spacing };
        float[] actual = Sample(SamplingPlan.Of(config, solver, golden["steps"].GetInt32()), golden["guidance"].GetDouble());
        string name = $"{run}.{(prediction == PredictionType.Epsilon ? "epsilon" : "v_prediction")}";
        Assert.That(Nmse.Of(actual, golden.Pictures(name)), Is.LessThanOrEqualTo(Nmse.Limit), name);
    }

    [Test]
    public void TwentyDdimStepsStayWithinOneTenThousandth([Values] PredictionType prediction)
    {
        using var golden = new Golden("solvers");
        float[] actual = Sample(SamplingPlan.Of(new SchedulerConfig { PredictionType = prediction }, SolverKind.Ddim, 20), 7.5);
        float[] expected = golden.Pictures($"ddim20.{(prediction == PredictionType.Epsilon ? "epsilon" : "v_prediction")}");
        double largest = actual.Zip(expected, (a, b) => Math.Abs((double)a - b)).Max();
        TestContext.Out.WriteLine($"largest difference {largest:0.0e+0}, largest value {expected.Max(Math.Abs):0.0}");
        Assert.That(largest, Is.LessThanOrEqualTo(1e-4));
    }

    [Test]
    public void DpmSolversTimestepsAreDiffusers()
    {
        using var golden = new Golden("solvers");
        foreach (var entry in golden["dpm_solver_timesteps"].EnumerateObject())
        {
            string[] words = entry.Name.Split(' ');
            var config = new SchedulerConfig { TimestepSpacing = Enum.Parse<TimestepSpacing>(words[0], ignoreCase: true) };
            var plan = DpmSolverScheduler.Plan(config, int.Parse(words[1]));
            Assert.That(plan.Steps.Select(s => s.Timestep), Is.EqualTo(entry.Value.Deserialize<int[]>()), entry.Name);
        }
    }

    /// <summary>A perfect model of one picture: ε̂ = (x − √ᾱ·x̂0)/√(1−ᾱ). Every solver must end at that picture, whatever it starts from.</summary>
    [Test]
    public void APerfectModelIsFollowedToItsPicture([Values] SolverKind solver, [Values(1, 2, 7, 30)] int steps)
    {
        const double Picture = 0.7;
        var config = new SchedulerConfig { SetAlphaToOne = true };
        double x = 1.3, memory = 0;
        foreach (var step in SamplingPlan.Of(config, solver, steps).Steps)
        {
            double output = (x - Math.Sqrt(step.AlphaBar) * Picture) / Math.Sqrt(1 - step.AlphaBar);
            var (sample, factor) = SamplingStep.Data(step.AlphaBar, config.PredictionType);
            double data = sample * x + factor * output;
            x = step.Sample * x + step.Output * output + step.Memory * memory;
            memory = data;
        }
        Assert.That(x, Is.EqualTo(Picture).Within(1e-9));
    }

    [Test]
    public void WhatASolverCannotDoIsSaid()
    {
        var config = new SchedulerConfig();
        Assert.That(
            () => SamplingPlan.Of(config, SolverKind.Euler, 5, eta: 0.5),
            Throws.ArgumentException.With.Message.Contains("needs the solver ddim"));
        Assert.That(
            () => SamplingPlan.Of(config with { TimestepSpacing = TimestepSpacing.Linspace }, SolverKind.Euler, 5),
            Throws.TypeOf<UserException>().With.Message.Contains("Use leading or trailing"));
        Assert.That(() => SamplingPlan.Of(config, SolverKind.DpmSolver, 1000), Throws.TypeOf<UserException>().With.Message.Contains("1..999"));
        Assert.That(() => SamplingPlan.Of(config, SolverKind.DpmSolver, 0), Throws.TypeOf<UserException>().With.Message.Contains("0 sampling steps"));
    }

    /// <summary>Guided sampling of the oracle's two latents with its UNet.</summary>
    private static float[] Sample(SamplingPlan plan, double guidance)
    {
        using var weights = new Golden("ddim_sample");
        using var device = ComputeDevice.Open("cpu");
        using var parameters = new ParameterSet(device);
        var unet = new UNet2DConditionModel(UNetConfig.FromJson(weights.Config, "golden"), new ParameterScope(parameters, new WeightInit()));
        parameters.Freeze(trainable: false);
        weights.Fill(parameters);
        using var arena = new Arena(device);
        var x = weights.Picture(arena, "latent");
        float[] prompts = weights.Values("encoder_hidden_states"), empty = weights.Values("empty_hidden_states");
        var shape = weights.Shape("encoder_hidden_states");
        var text = arena.From([.. empty, .. empty, .. prompts], new Shape(2 * shape[0], shape[1], shape[2]));
        Elementwise.ScaleInto(x, (float)plan.InitialNoise, x);
        var memory = plan.Multistep ? new SolverMemory(arena, x.Shape, plan.Prediction) : null;
        Sampler.Run(unet, x, text, plan.Steps, guidance, memory);
        return x.ToArray<float>();
    }
}
