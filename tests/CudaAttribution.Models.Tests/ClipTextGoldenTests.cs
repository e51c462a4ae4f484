using System.Text.Json;
using CudaAttribution.Models.Layers;
using CudaAttribution.Models.Text;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tensors.Ops;
using CudaAttribution.Tensors.Weights;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests;

/// <summary>The text encoder against the oracle in float64, NMSE at most 1e-7, and what makes it causal.</summary>
public class ClipTextGoldenTests
{
    [TestCase("text_gelu")]
    [TestCase("text_quick_gelu")]
    public void ForwardAndAllGradients(string name)
    {
        using var golden = new Golden(name);
        using var device = ComputeDevice.Open("cpu");
        using var parameters = new ParameterSet(device);
        var model = Model(golden, parameters);
        using var tape = new Tape(device, record: true);
        int[][] ids = golden["input_ids"].Deserialize<int[][]>()!;
        var output = model.Forward(tape, tape.Arena.From([.. ids.SelectMany(i => i)], new Shape(ids.Length, ids[0].Length)));
        Assert.That(Nmse.Of(output.ToArray<float>(), golden.Values("output")), Is.LessThanOrEqualTo(Nmse.Limit), "output");
        var loss = tape.Mse(output, golden.Tensor(tape.Arena, "target"));
        Assert.That(loss.ToArray<float>()[0], Is.EqualTo(golden["loss"].GetDouble()).Within(1e-5));
        tape.Backward(loss);
        double largest = parameters.Names.Max(n => golden.Values($"grad.{n}").Max(MathF.Abs));
        foreach (string parameter in parameters.Names)
        {
            float[] actual = parameters[parameter].Grad!.ToArray<float>(), expected = golden.Values($"grad.{parameter}");
            if (parameter.EndsWith("k_proj.bias", StringComparison.Ordinal))
            {
                // Softmax ignores a constant per row: the gradient is zero in exact arithmetic and rounding noise in any other.
                Assert.That(actual.Max(MathF.Abs), Is.LessThan(1e-6 * largest), parameter);
                continue;
            }
            Assert.That(Nmse.Of(actual, expected), Is.LessThanOrEqualTo(Nmse.Limit), parameter);
        }
    }

    [Test]
    public void ShorterPromptsUseTheFirstPositionsAndTheirGradients()
    {
        using var golden = new Golden("text_gelu");
        using var device = ComputeDevice.Open("cpu");
        using var parameters = new ParameterSet(device);
        var model = Model(golden, parameters);
        int[] ids = golden["input_ids"].Deserialize<int[][]>()![0];
        const int Short = 5;
        using var tape = new Tape(device, record: true);
        float[] full = model.Forward(tape, tape.Arena.From(ids, new Shape(1, ids.Length))).ToArray<float>();
        var start = model.Forward(tape, tape.Arena.From(ids[..Short], new Shape(1, Short)));
        Assert.That(start.ToArray<float>(), Is.EqualTo(full[..(int)start.Count]), "a causal model does not see later tokens");
        tape.Backward(tape.Mse(start, tape.Arena.Zeros(start.Shape)));
        float[] gradient = parameters["text_model.embeddings.position_embedding.weight"].Grad!.ToArray<float>();
        Assert.That(gradient[..(Short * 32)], Has.All.Not.EqualTo(0f));
        Assert.That(gradient[(Short * 32)..], Has.All.EqualTo(0f));
    }

    [Test]
    public void TokensThatDoNotFitAreRefused()
    {
        using var golden = new Golden("text_gelu");
        using var device = ComputeDevice.Open("cpu");
        using var parameters = new ParameterSet(device);
        var model = Model(golden, parameters);
        using var tape = new Tape(device, record: false);
        Assert.That(() => model.Forward(tape, tape.New(new Shape(1, 13), DType.I32)), Throws.ArgumentException.With.Message.Contains("at most 12"));
        Assert.That(() => model.Forward(tape, tape.New(new Shape(1, 12))), Throws.ArgumentException.With.Message.Contains("I32"));
    }

    private static ClipTextModel Model(Golden golden, ParameterSet parameters)
    {
        var model = new ClipTextModel(ClipTextConfig.FromJson(golden.Config, "golden"), new ParameterScope(parameters, new WeightInit()));
        parameters.Freeze();
        golden.Fill(parameters);
        return model;
    }
}
