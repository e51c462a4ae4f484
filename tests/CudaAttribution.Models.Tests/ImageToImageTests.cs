using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Schedulers;
using CudaAttribution.Runs;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests;

/// <summary>Sampling that starts from a picture: the plan against diffusers' formulas in float64, the pictures against the plan.</summary>
public class ImageToImageTests : DeviceFixture
{
    private const double Picture = 0.6, Noise = -1.4;

    /// <summary>
    /// A linear model solved in each solver's own variables, as diffusers writes it: DDIM with x̂0 and ε, Euler in σ, DPM-Solver++ in λ.
    /// </summary>
    [Test, Combinatorial]
    public void PlansAreDiffusers(
        [Values] SolverKind solver,
        [Values] PredictionType prediction,
        [Values(TimestepSpacing.Leading, TimestepSpacing.Trailing)] TimestepSpacing spacing,
        [Values(0.1, 0.35, 0.58, 0.99, 1)] double strength)
    {
        const int Steps = 50;
        var config = new SchedulerConfig { PredictionType = prediction, TimestepSpacing = spacing };
        var plan = SamplingPlan.Of(config, solver, Steps, strength: strength);
        double x = plan.InitialPicture * Picture + plan.InitialNoise * Noise, memory = double.NaN;
        foreach (var step in plan.Steps)
        {
            double output = Model(x, step.Timestep);
            var (sample, factor) = SamplingStep.Data(step.AlphaBar, prediction);
            double data = sample * x + factor * output;
            x = step.Sample * x + step.Output * output + (step.Memory == 0 ? 0 : step.Memory * memory);
            memory = data;
        }
        int[] timesteps = [.. SamplingPlan.Of(config, solver, Steps).Steps.Select(s => s.Timestep)];
        int taken = Math.Min((int)(Steps * strength), Steps);
        Assert.That(plan.Steps, Has.Count.EqualTo(taken));
        Assert.That(x, Is.EqualTo(Reference(config, solver, timesteps[(Steps - taken)..])).Within(1e-9));
    }

    [TestCase(0.0, "(0, 1]")]
    [TestCase(1.01, "(0, 1]")]
    [TestCase(double.NaN, "(0, 1]")]
    [TestCase(0.19, "less than one step")]
    public void AStrengthThatLeavesNothingIsRefused(double strength, string why) => Assert.That(
        () => SamplingPlan.Of(new SchedulerConfig(), SolverKind.Ddim, 5, strength: strength), Throws.TypeOf<UserException>().With.Message.Contains(why));

    /// <summary>By hand: noise and picture mixed at the first step that is taken, then the model's own steps.</summary>
    [Test]
    public void PicturesAreThePlansPictures([Values] SolverKind solver, [Values] bool latent)
    {
        using var model = latent ? Tiny.LatentModel(Device, ModelUse.Sampling) : Tiny.Model(Device, ModelUse.Sampling);
        var options = new SampleOptions { Solver = solver, Steps = 5, Guidance = 2, Strength = 0.6 };
        byte[] start = Tiny.Data(2, model.PictureSize).Picture(1).ToArray();
        var made = new Sampler(model, options).Sample([new SampleRequest("a red disc", 3, 1) { InitialPicture = start }]);

        using var arena = new Arena(Device);
        using var tape = new Tape(Device, record: false);
        var plan = SamplingPlan.Of(model.Scheduler, solver, 5, strength: 0.6);
        var x = arena.New(new Shape(1, 8, 8, latent ? 4 : 3));
        float[] clean = [.. start.Select(b => b / 127.5f - 1)], noise = Normal(x, "sample.query");
        if (latent)
        {
            float[] moments = model.Vae!.Encode(tape, arena.From(clean, new Shape(1, 16, 16, 3))).ToArray<float>();
            float[] drawn = Normal(x, "sample.query.latent");
            clean = [.. drawn.Select((n, i) => (float)(0.5 * (moments[i / 4 * 8 + i % 4] + Math.Exp(moments[i / 4 * 8 + 4 + i % 4] / 2.0) * n)))];
        }
        Assert.That(plan.Steps, Has.Count.EqualTo(3));
        double alphaBar = new NoiseSchedule(model.Scheduler).AlphaBar(plan.Steps[0].Timestep);
        x.CopyFrom<float>([.. clean.Zip(noise, (c, n) => (float)(Math.Sqrt(alphaBar) * c + Math.Sqrt(1 - alphaBar) * n))]);
        var text = model.EncodeText(tape, ["", "a red disc"]);
        var memory = plan.Multistep ? new SolverMemory(arena, x.Shape, plan.Prediction) : null;
        Sampler.Run(model.UNet, x, text, plan.Steps, 2, memory);
        Assert.That(Nmse.Of(made.Values, model.Decode(tape, x).ToArray<float>()), Is.LessThan(1e-10));

        float[] Normal(Tensor like, string purpose)
        {
            var values = tape.New(like.Shape);
            RandomNumbers.Normal(values, 3, Philox.Stream(purpose), like.Count);
            return values.ToArray<float>();
        }
    }

    [Test]
    public void AnyBatchGivesTheSameBits([Values] SolverKind solver, [Values] bool latent)
    {
        using var model = latent ? Tiny.LatentModel(Device, ModelUse.Sampling) : Tiny.Model(Device, ModelUse.Sampling);
        var data = Tiny.Data(3, model.PictureSize);
        byte[][] pictures = [.. Enumerable.Range(0, 3).Select(i => data.Picture(i).ToArray())];
        SampleRequest[] requests =
        [
            .. Enumerable.Range(0, 6).Select(i => new SampleRequest(Tiny.Captions[i % 4], 5, i / 2)
            {
                InitialPicture = pictures[i / 2], NegativePrompt = i % 2 == 0 ? "" : "nothing",
            }),
        ];
        var options = new SampleOptions { Solver = solver, Steps = 4, Strength = 0.75 };
        float[] together = new Sampler(model, options).Sample(requests).Values;
        Assert.That(new Sampler(model, options with { MaxBatch = 1 }).Sample(requests).Values, Is.EqualTo(together));
        Assert.That(new Sampler(model, options with { MaxBatch = 4 }).Sample(requests).Values, Is.EqualTo(together));
    }

    /// <summary>The less strength, the closer to the picture; at 1 nearly nothing of it is left, but √ᾱ of the first step is.</summary>
    [Test]
    public void StrengthSaysHowMuchOfThePictureIsLeft()
    {
        using var model = Tiny.Model(Device, ModelUse.Sampling);
        byte[] picture = Tiny.Data().Picture(2).ToArray();
        var request = new SampleRequest("a red disc", 1, 0);
        double[] distances = [.. new[] { 0.05, 0.3, 1 }.Select(Distance)];
        Assert.That(distances, Is.Ordered);
        Assert.That(distances[0], Is.LessThan(distances[2] / 4));
        var whole = new SampleOptions { Steps = 20, Guidance = 1, Strength = 1 };
        float[] from = new Sampler(model, whole).Sample([request with { InitialPicture = picture }]).Values;
        Assert.That(from, Is.Not.EqualTo(new Sampler(model, whole with { Strength = null }).Sample([request]).Values));

        double Distance(double strength)
        {
            var options = new SampleOptions { Steps = 20, Guidance = 1, Strength = strength };
            byte[] made = new Sampler(model, options).Sample([request with { InitialPicture = picture }]).Pixels;
            return made.Zip(picture, (a, b) => (double)(a - b) * (a - b)).Sum();
        }
    }

    [Test]
    public void PictureAndStrengthComeTogether()
    {
        using var model = Tiny.Model(Device, ModelUse.Sampling);
        var request = new SampleRequest("nothing", 1, 0);
        var options = new SampleOptions { Steps = 4, Strength = 0.5 };
        Assert.That(() => new Sampler(model, options).Sample([request]), Throws.ArgumentException.With.Message.Contains("every request needs one"));
        Assert.That(
            () => new Sampler(model, options with { Strength = null }).Sample([request with { InitialPicture = new byte[192] }]),
            Throws.ArgumentException.With.Message.Contains("say with which strength"));
        Assert.That(
            () => new Sampler(model, options).Sample([request with { InitialPicture = new byte[191] }]),
            Throws.ArgumentException.With.Message.Contains("8 x 8 pixels: 192 bytes"));
    }

    private static double Model(double x, int timestep) => 0.4 * x + 0.3 * Math.Cos(0.01 * timestep) - 0.1;

    private static double Reference(SchedulerConfig config, SolverKind solver, int[] timesteps)
    {
        double[] alphaBars = new double[1000];
        double product = 1;
        for (int t = 0; t < 1000; t++)
        {
            double root = Math.Sqrt(0.00085) + (Math.Sqrt(0.012) - Math.Sqrt(0.00085)) * t / 999;
            alphaBars[t] = product *= 1 - root * root;
        }
        bool velocity = config.PredictionType == PredictionType.VPrediction;
        double a = alphaBars[timesteps[0]];
        double x = Math.Sqrt(a) * Picture + Math.Sqrt(1 - a) * Noise;
        if (solver == SolverKind.Euler) x = Picture + Sigma(a) * Noise;
        double lambdaBefore = 0, before = 0;
        for (int k = 0; k < timesteps.Length; k++)
        {
            int t = timesteps[k];
            a = alphaBars[t];
            bool last = k + 1 == timesteps.Length;
            double next = last ? double.NaN : alphaBars[timesteps[k + 1]];
            if (solver == SolverKind.Ddim)
            {
                if (last) next = alphaBars[0];
                var (clean, noise) = Split(x, a, t);
                x = Math.Sqrt(next) * clean + Math.Sqrt(1 - next) * noise;
            }
            else if (solver == SolverKind.Euler)
            {
                double sigma = Sigma(a), to = last ? 0 : Sigma(next), scaled = x / Math.Sqrt(sigma * sigma + 1);
                double clean = Split(scaled, a, t).Clean;
                x += (x - clean) / sigma * (to - sigma);
            }
            else
            {
                double clean = Split(x, a, t).Clean, lambda = -Math.Log(Sigma(a));
                if (last) x = clean;
                else
                {
                    double h = -Math.Log(Sigma(next)) - lambda, slope = 0;
                    if (k > 0) slope = (clean - before) / ((lambda - lambdaBefore) / h);
                    x = Math.Sqrt((1 - next) / (1 - a)) * x - Math.Sqrt(next) * (Math.Exp(-h) - 1) * (clean + slope / 2);
                }
                (before, lambdaBefore) = (clean, lambda);
            }
        }
        return x;

        double Sigma(double alphaBar) => Math.Sqrt((1 - alphaBar) / alphaBar);

        (double Clean, double Noise) Split(double at, double alphaBar, int t)
        {
            double o = Model(at, t), s = Math.Sqrt(alphaBar), n = Math.Sqrt(1 - alphaBar);
            return velocity ? (s * at - n * o, s * o + n * at) : ((at - n * o) / s, o);
        }
    }
}
