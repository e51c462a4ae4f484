using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Files;
using CudaAttribution.Models.Schedulers;
using CudaAttribution.Models.Text;
using CudaAttribution.Models.Vae;
using CudaAttribution.Runs;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests;

/// <summary>Inversion against formulas in float64, and the round trip through real networks.</summary>
public class DdimInversionTests : DeviceFixture
{
    /// <summary>Methods 3.4 word for word, on a linear model: (1, 21, …), x̂0 and ε by ᾱ of where the step starts.</summary>
    [Test]
    public void PlansAreTheSpecifications(
        [Values] PredictionType prediction, [Values] bool toOne, [Values(1, 7, 50)] int steps, [Values(0, 1, 4)] int repeats)
    {
        var config = new SchedulerConfig { PredictionType = prediction, SetAlphaToOne = toOne };
        double x = 0.8, expected = x;
        foreach (var step in DdimInversion.Steps(config, steps))
        {
            double from = x;
            x = step.Sample * from + step.Output * Model(x, step.Timestep);
            for (int i = 0; i < repeats; i++) x = step.RepeatSample * from + step.RepeatOutput * Model(x, step.Timestep);
        }
        var alphaBars = AlphaBars();
        int ratio = 1000 / steps;
        for (int k = 0; k < steps; k++)
        {
            int t = k * ratio + 1;
            double a = k > 0 ? alphaBars[t - ratio] : toOne ? 1 : alphaBars[0], b = alphaBars[t], from = expected;
            var (clean, noise) = Split(prediction, from, Model(from, t), a);
            expected = Math.Sqrt(b) * clean + Math.Sqrt(1 - b) * noise;
            for (int i = 0; i < repeats; i++) expected = Solve(prediction, from, Model(expected, t), a, b);
        }
        Assert.That(x, Is.EqualTo(expected).Within(1e-9));
    }

    /// <summary>
    /// A model whose ε is linear in x: the first estimate is off by its change over a step, the repeats remove that. Back and forth is the identity.
    /// </summary>
    [Test]
    public void RepeatsCloseTheRoundTrip(
        [Values] PredictionType prediction, [Values] TimestepSpacing spacing)
    {
        var config = new SchedulerConfig { PredictionType = prediction, TimestepSpacing = spacing };
        double[] errors = [.. new[] { 0, 1, 3, 20 }.Select(RoundTrip)];
        TestContext.Out.WriteLine(string.Join(" ", errors.Select(e => $"{e:0.0e+0}")));
        Assert.That(errors[^1], Is.LessThan(1e-12));
        Assert.That(errors[2], Is.LessThan(1e-3).And.LessThan(errors[0]));

        double RoundTrip(int repeats)
        {
            double x = 0.8;
            foreach (var step in DdimInversion.Steps(config, 50))
            {
                double from = x;
                x = step.Sample * from + step.Output * Model(x, step.Timestep);
                for (int i = 0; i < repeats; i++) x = step.RepeatSample * from + step.RepeatOutput * Model(x, step.Timestep);
            }
            foreach (var step in DdimScheduler.Steps(config, 50)) x = step.Sample * x + step.Output * Model(x, step.Timestep);
            return Math.Abs(x - 0.8);
        }
    }

    /// <summary>The runner against the plan by hand, ε- and v-models, pixels and latents; then the round trip through the network.</summary>
    [Test]
    public void TheRunnerFollowsThePlan([Values] PredictionType prediction, [Values] bool latent, [Values(0, 2)] int repeats)
    {
        using var model = Model(prediction, latent);
        byte[] picture = Tiny.Data(3, model.PictureSize).Picture(2).ToArray();
        var options = new InversionOptions { Steps = 4, FixedPoint = repeats };
        var made = new DdimInverter(model, options).Run([new InversionRequest(picture, "a red disc")]);

        using var tape = new Tape(Device, record: false);
        var shape = new Shape(1, 8, 8, latent ? 4 : 3);
        float[] x = [.. picture.Select(b => b / 127.5f - 1)];
        if (latent)
        {
            float[] moments = model.Vae!.Encode(tape, tape.Arena.From(x, new Shape(1, 16, 16, 3))).ToArray<float>();
            x = [.. Enumerable.Range(0, 256).Select(i => 0.5f * moments[i / 4 * 8 + i % 4])];
        }
        var text = model.EncodeText(tape, ["a red disc"]);
        var alphaBars = AlphaBars();
        for (int k = 0; k < 4; k++)
        {
            int t = 250 * k + 1;
            double a = alphaBars[Math.Max(0, t - 250)], b = alphaBars[t];
            float[] from = x, output = Output(x, t);
            x = [.. from.Zip(output, (v, o) => First(v, o, a, b))];
            for (int i = 0; i < repeats; i++) x = [.. from.Zip(Output(x, t), (v, o) => (float)Solve(prediction, v, o, a, b))];
        }
        Assert.That(Nmse.Of(made.Noise, x), Is.LessThan(Nmse.Limit), "x_T");
        var start = tape.Arena.From(x, shape);
        Sampler.Run(model.UNet, start, text, DdimScheduler.Steps(model.Scheduler, 4), 1);
        Assert.That(Nmse.Of(made.Reconstructions.Values, model.Decode(tape, start).ToArray<float>()), Is.LessThan(Nmse.Limit), "reconstruction");

        float[] Output(float[] at, int t) =>
            model.UNet.Forward(tape, tape.Arena.From(at, shape), tape.Arena.From([t], new Shape(1)), text).ToArray<float>();

        float First(float v, float o, double a, double b)
        {
            var (clean, noise) = Split(prediction, v, o, a);
            return (float)(Math.Sqrt(b) * clean + Math.Sqrt(1 - b) * noise);
        }
    }

    [Test]
    public void RepeatsBringThePictureBack([Values] PredictionType prediction)
    {
        using var model = Model(prediction, latent: false);
        var data = Tiny.Data();
        var requests = Enumerable.Range(0, 3).Select(i => new InversionRequest(data.Picture(i).ToArray(), Tiny.Captions[i])).ToArray();
        double[] errors = [.. new[] { 0, 20 }.Select(repeats => new DdimInverter(model, new InversionOptions { Steps = 20, FixedPoint = repeats })
            .Run(requests).Reconstructions.Pixels.Zip(requests.SelectMany(r => r.Picture), (a, b) => (double)Math.Abs(a - b)).Max())];
        TestContext.Out.WriteLine(string.Join(" ", errors));
        Assert.That(errors[1], Is.LessThanOrEqualTo(1), "grey levels");
        Assert.That(errors[0], Is.GreaterThan(10), "a network of random weights changes much over a step");
    }

    [Test]
    public void AnyBatchGivesTheSameBits([Values] bool latent)
    {
        using var model = Model(PredictionType.VPrediction, latent);
        var data = Tiny.Data(5, model.PictureSize);
        string[] prompts = ["a red disc", "", "nothing", "a red disc", "a blue cross"];
        InversionRequest[] requests = [.. prompts.Select((prompt, i) => new InversionRequest(data.Picture(i).ToArray(), prompt))];
        var options = new InversionOptions { Steps = 3, FixedPoint = 1 };
        var together = new DdimInverter(model, options).Run(requests);
        foreach (int batch in new[] { 1, 2 })
        {
            var apart = new DdimInverter(model, options with { MaxBatch = batch }).Run(requests);
            Assert.That(apart.Noise, Is.EqualTo(together.Noise));
            Assert.That(apart.Reconstructions.Values, Is.EqualTo(together.Reconstructions.Values));
        }
    }

    [Test]
    public void ProgressCountsEvaluationsAndCancellingStops()
    {
        using var model = Model(PredictionType.Epsilon, latent: false);
        var data = Tiny.Data();
        InversionRequest[] requests = [.. Enumerable.Range(0, 3).Select(i => new InversionRequest(data.Picture(i).ToArray(), "nothing"))];
        var seen = new List<SampleProgress>();
        var inverter = new DdimInverter(model, new InversionOptions { Steps = 2, FixedPoint = 1, MaxBatch = 2 });
        inverter.Run(requests, seen.Add);
        Assert.That(seen.Select(p => (p.Pictures, p.Step)), Is.EqualTo(
            Enumerable.Range(0, 6).Select(e => (0, e)).Concat(Enumerable.Range(0, 6).Select(e => (2, e))).Append((3, 6))));
        Assert.That(seen.Select(p => p.OfSteps), Is.All.EqualTo(6));
        using var cancel = new CancellationTokenSource();
        Assert.That(() => inverter.Run(requests, _ => cancel.Cancel(), cancel.Token), Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public void WhatMakesNoSenseIsRefused()
    {
        using var model = Model(PredictionType.Epsilon, latent: false);
        Assert.That(() => new DdimInverter(model, new InversionOptions { Steps = 0 }), Throws.TypeOf<UserException>());
        Assert.That(
            () => new DdimInverter(model, new InversionOptions { FixedPoint = -1 }), Throws.TypeOf<UserException>().With.Message.Contains("repeats"));
        Assert.That(() => new DdimInverter(model, new InversionOptions { MaxBatch = 0 }), Throws.TypeOf<UserException>().With.Message.Contains("batch"));
        var inverter = new DdimInverter(model, new InversionOptions { Steps = 2 });
        Assert.That(() => inverter.Run([new InversionRequest(new byte[7], "x")]), Throws.ArgumentException.With.Message.Contains("7 bytes"));
    }

    private DiffusionModel Model(PredictionType prediction, bool latent)
    {
        var tokenizer = WordTokenizer.Train(Tiny.Captions, Tiny.Preset.MaxTokens);
        int channels = latent ? 4 : 3;
        var index = new ModelIndex(
            Tiny.Preset.UNet with { InChannels = channels, OutChannels = channels }, Tiny.Preset.TextEncoderFor(tokenizer), tokenizer,
            Tiny.Preset.Scheduler with { PredictionType = prediction },
            latent ? new AutoencoderKLConfig { BlockOutChannels = [8, 8], NormNumGroups = 4, SampleSize = 16, ScalingFactor = 0.5 } : null);
        return DiffusionModel.Create(index, Device, 7, ModelUse.Sampling);
    }

    private static double Model(double x, int timestep) => 0.4 * x + 0.3 * Math.Cos(0.01 * timestep) - 0.1;

    private static double[] AlphaBars()
    {
        double[] result = new double[1000];
        double product = 1;
        for (int t = 0; t < 1000; t++)
        {
            double root = Math.Sqrt(0.00085) + (Math.Sqrt(0.012) - Math.Sqrt(0.00085)) * t / 999;
            result[t] = product *= 1 - root * root;
        }
        return result;
    }

    private static (double Clean, double Noise) Split(PredictionType prediction, double x, double o, double a)
    {
        double s = Math.Sqrt(a), n = Math.Sqrt(1 - a);
        return prediction == PredictionType.VPrediction ? (s * x - n * o, s * o + n * x) : ((x - n * o) / s, o);
    }

    /// <summary>The x at ᾱ = b whose DDIM step with output o leads to <paramref name="to"/> at ᾱ = a: a line through two points, solved.</summary>
    private static double Solve(PredictionType prediction, double to, double o, double a, double b)
    {
        double zero = Step(0), one = Step(1);
        return (to - zero) / (one - zero);

        double Step(double x)
        {
            var (clean, noise) = Split(prediction, x, o, b);
            return Math.Sqrt(a) * clean + Math.Sqrt(1 - a) * noise;
        }
    }
}
