using System.Text.Json;
using CudaAttribution.Models.Files;
using CudaAttribution.Models.Layers;
using CudaAttribution.Models.Schedulers;
using CudaAttribution.Models.Training;
using CudaAttribution.Models.UNet;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tensors.Ops;
using CudaAttribution.Tensors.Weights;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests;

/// <summary>The UNet and ten optimiser steps against the oracle in float64.</summary>
public class UNetGoldenTests
{
    [TestCase("unet_conv")]
    [TestCase("unet_linear")]
    public void ForwardAndAllGradients(string name)
    {
        using var golden = new Golden(name);
        using var device = ComputeDevice.Open("cpu");
        using var parameters = new ParameterSet(device);
        var unet = new UNet2DConditionModel(UNetConfig.FromJson(golden.Config, name), new ParameterScope(parameters, new WeightInit()));
        parameters.Freeze();
        golden.Fill(parameters);
        using var tape = new Tape(device, record: true);
        var sample = golden.Picture(tape.Arena, "input.sample");
        var text = golden.Tensor(tape.Arena, "input.encoder_hidden_states");
        (sample.RequiresGrad, text.RequiresGrad) = (true, true);
        int[] timesteps = golden["timesteps"].Deserialize<int[]>()!;

        var output = unet.Forward(tape, sample, tape.Arena.From(timesteps, new Shape(timesteps.Length)), text);
        Assert.That(Nmse.Of(output.ToArray<float>(), golden.Pictures("output")), Is.LessThanOrEqualTo(Nmse.Limit), "output");
        var loss = tape.Mse(output, golden.Picture(tape.Arena, "target"));
        Assert.That(loss.ToArray<float>()[0], Is.EqualTo(golden["loss"].GetDouble()).Within(1e-6));

        tape.Backward(loss);
        foreach (string parameter in parameters.Names)
        {
            var shape = parameters[parameter].Shape;
            float[] expected = WeightMap.FromFile(golden.Values($"grad.{parameter}"), shape);
            Assert.That(Nmse.Of(parameters[parameter].Grad!.ToArray<float>(), expected), Is.LessThanOrEqualTo(Nmse.GradientLimit), parameter);
        }
        Assert.That(Nmse.Of(sample.Grad!.ToArray<float>(), golden.Pictures("grad_input.sample")), Is.LessThanOrEqualTo(Nmse.GradientLimit), "sample");
        Assert.That(
            Nmse.Of(text.Grad!.ToArray<float>(), golden.Values("grad_input.encoder_hidden_states")),
            Is.LessThanOrEqualTo(Nmse.GradientLimit),
            "text");
    }

    [Test]
    public void TenOptimiserSteps()
    {
        using var golden = new Golden("adamw_ten_steps");
        using var device = ComputeDevice.Open("cpu");
        using var parameters = new ParameterSet(device);
        var unet = new UNet2DConditionModel(UNetConfig.FromJson(golden.Config, "golden"), new ParameterScope(parameters, new WeightInit()));
        parameters.Freeze();
        golden.Fill(parameters, "before.");
        double[] betas = golden["betas"].Deserialize<double[]>()!;
        using var optimizer = new AdamW(parameters, new AdamWOptions
        {
            Beta1 = betas[0], Beta2 = betas[1], Epsilon = golden["eps"].GetDouble(), WeightDecay = golden["weight_decay"].GetDouble(),
        });
        using var process = new ForwardProcess(device, new SchedulerConfig { PredictionType = PredictionType.VPrediction });
        int[][] timesteps = golden["timesteps"].Deserialize<int[][]>()!;
        double[] losses = golden["losses"].Deserialize<double[]>()!, norms = golden["gradient_norms"].Deserialize<double[]>()!;
        for (int step = 0; step < losses.Length; step++)
        {
            parameters.ZeroGrad();
            using var tape = new Tape(device, record: true);
            var loss = process.Loss(
                tape, unet, golden.Picture(tape.Arena, $"step{step}.clean"), golden.Picture(tape.Arena, $"step{step}.noise"),
                tape.Arena.From(timesteps[step], new Shape(timesteps[step].Length)), golden.Tensor(tape.Arena, $"step{step}.encoder_hidden_states"));
            tape.Backward(loss);
            optimizer.Update(golden["lr"].GetDouble(), (float)golden["max_norm"].GetDouble());
            Assert.That(loss.ToArray<float>()[0], Is.EqualTo(losses[step]).Within(1e-5), $"loss of step {step}");
            Assert.That(optimizer.GradientNorm(), Is.EqualTo(norms[step]).Within(1e-4), $"gradient norm of step {step}");
        }
        // AdamW moves an element by about lr whatever the size of its gradient, so the moves are compared, not only the weights.
        foreach (string name in parameters.Names)
        {
            var shape = parameters[name].Shape;
            float[] before = WeightMap.FromFile(golden.Values($"before.{name}"), shape);
            float[] after = WeightMap.FromFile(golden.Values($"after.{name}"), shape);
            float[] actual = parameters[name].ToArray<float>();
            Assert.That(Nmse.Of(actual, after), Is.LessThanOrEqualTo(Nmse.GradientLimit), name);
            Assert.That(Nmse.Of(Difference(actual, before), Difference(after, before)), Is.LessThan(1e-3), $"moves of {name}");
        }
    }

    private static float[] Difference(float[] a, float[] b) => [.. a.Zip(b, (x, y) => x - y)];
}
