using CudaAttribution.Models.Layers;
using CudaAttribution.Models.UNet;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tensors.Weights;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests;

/// <summary>
/// The eps of each normalisation, which activations of ordinary size hide: here the input's variance is about the eps. The layers' other weights are
/// set to identities and zeros, so that the output has a closed form.
/// </summary>
public class NormEpsTests
{
    private const int Channels = 8, Pixels = 4;

    private static readonly UNetConfig Config = Tiny.Preset.UNet with
    {
        BlockOutChannels = [Channels, 16],
        NormNumGroups = 2,
        CrossAttentionDim = 8,
        AttentionHeadDim = 2,
    };

    /// <summary>x + norm(x): the transformer in the middle adds nothing, both projections are identities.</summary>
    [Test]
    public void BeforeAttentionItIsOneMillionth()
    {
        const double Eps = 1e-6;
        double[] x = Small(1e-3);
        float[] actual = Run(
            x,
            scope => new Transformer2DModel(scope, Channels, heads: 2, Config),
            (tape, layer, input) => layer.Forward(tape, input, tape.Arena.Zeros(new Shape(1, 3, 8))),
            new() { ["norm.weight"] = 1, ["proj_in.weight"] = Identity, ["proj_out.weight"] = Identity });
        Compare(actual, [.. x.Zip(GroupNorm(x, Eps), (a, b) => a + b)]);
    }

    /// <summary>One pixel attends to itself only: x + LN(x) with identities for value and output.</summary>
    [Test]
    public void InsideTheTransformerItIsOneHundredThousandth()
    {
        const double Eps = 1e-5;
        double[] x = [.. Small(3e-3).Take(Channels)];
        float[] actual = Run(
            x,
            scope => new BasicTransformerBlock(scope, Channels, contextWidth: 8, heads: 2),
            (tape, layer, input) => layer.Forward(tape, input.View(1, 1, Channels), tape.Arena.Zeros(new Shape(1, 3, 8))),
            new() { ["norm1.weight"] = 1, ["attn1.to_v.weight"] = Identity, ["attn1.to_out.0.weight"] = Identity });
        Compare(actual, [.. x.Zip(Normalise(x, Eps), (a, b) => a + b)]);
    }

    /// <summary>x + silu(norm(silu(norm(x)))): the convolutions hand each pixel on, the timestep adds nothing.</summary>
    [Test]
    public void InResidualBlocksItIsTheConfigurations([Values(1e-5, 1e-3)] double eps)
    {
        double[] x = Small(Math.Sqrt(eps));
        float[] actual = Run(
            x,
            scope => new ResnetBlock2D(scope, Channels, Channels, timeWidth: 4, Config.NormNumGroups, (float)eps),
            (tape, layer, input) => layer.Forward(tape, input, tape.Arena.Zeros(new Shape(1, 4))),
            new() { ["norm1.weight"] = 1, ["norm2.weight"] = 1, ["conv1.weight"] = CentreIdentity, ["conv2.weight"] = CentreIdentity });
        double[] h = [.. GroupNorm([.. GroupNorm(x, (float)eps).Select(Silu)], (float)eps).Select(Silu)];
        Compare(actual, [.. x.Zip(h, (a, b) => a + b)]);
    }

    private const float Identity = -1, CentreIdentity = -2;

    private static void Compare(float[] actual, double[] expected)
    {
        for (int i = 0; i < actual.Length; i++)
        {
            Assert.That(actual[i], Is.EqualTo(expected[i]).Within(2e-6 * Math.Max(1, Math.Abs(expected[i]))), $"element {i}");
        }
    }

    /// <summary>Values of about the given standard deviation, exact in F32.</summary>
    private static double[] Small(double deviation) =>
        [.. Enumerable.Range(0, Pixels * Channels).Select(i => (double)(float)(deviation * 1.4 * Math.Sin(1.7 * i + 0.3)))];

    private static double Silu(double v) => v / (1 + Math.Exp(-v));

    /// <summary>Two groups of neighbouring channels over all pixels.</summary>
    private static double[] GroupNorm(double[] x, double eps)
    {
        const int Half = Channels / 2;
        double[] y = new double[x.Length];
        for (int group = 0; group < 2; group++)
        {
            int[] members = [.. Enumerable.Range(0, x.Length).Where(i => i % Channels / Half == group)];
            foreach (var (i, value) in members.Zip(Normalise([.. members.Select(i => x[i])], eps))) y[i] = value;
        }
        return y;
    }

    private static double[] Normalise(double[] x, double eps)
    {
        double mean = x.Average(), variance = x.Average(v => (v - mean) * (v - mean));
        return [.. x.Select(v => (v - mean) / Math.Sqrt(variance + eps))];
    }

    /// <summary>Runs a layer on <c>[1,2,2,C]</c>; parameters that are not named are zero.</summary>
    private static float[] Run<T>(double[] x, Func<ParameterScope, T> build, Func<Tape, T, Tensor, Tensor> forward, Dictionary<string, float> weights)
    {
        using var device = ComputeDevice.Open("cpu");
        using var parameters = new ParameterSet(device);
        var layer = build(new ParameterScope(parameters, new WeightInit()));
        parameters.Freeze(trainable: false);
        foreach (var (name, value) in weights)
        {
            float[] values = new float[parameters[name].Count];
            if (value > 0) values.AsSpan().Fill(value);
            int taps = value == CentreIdentity ? 9 : 1;
            for (int o = 0; value < 0 && o < Channels; o++) values[(o * taps + taps / 2) * Channels + o] = 1;
            parameters[name].CopyFrom<float>(values);
        }
        using var tape = new Tape(device, record: false);
        int pixels = x.Length / Channels;
        var input = tape.Arena.From([.. x.Select(v => (float)v)], pixels == 1 ? new Shape(1, 1, 1, Channels) : new Shape(1, 2, pixels / 2, Channels));
        return forward(tape, layer, input).ToArray<float>();
    }
}
