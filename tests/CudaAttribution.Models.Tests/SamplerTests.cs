using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Layers;
using CudaAttribution.Models.Schedulers;
using CudaAttribution.Models.UNet;
using CudaAttribution.Runs;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tensors.Weights;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests;

/// <summary>What a picture depends on, and what it does not.</summary>
public class SamplerTests
{
    private static readonly SampleRequest[] Requests = SampleRequest.For(["a red disc", "nothing", "a blue cross"], seed: 11, perPrompt: 2);

    private ComputeDevice _device = null!;
    private DiffusionModel _model = null!;

    [OneTimeSetUp]
    public void SetUp()
    {
        _device = ComputeDevice.Open("cpu");
        _model = Tiny.Model(_device, ModelUse.Sampling);
    }

    [OneTimeTearDown]
    public void TearDown()
    {
        _model.Dispose();
        Assert.That(_device.Pool.InUse, Is.Zero, "memory not returned");
        _device.Dispose();
    }

    [Test]
    public void AnyBatchGivesTheSameBits([Values(0.0, 0.7)] double eta, [Values(1.0, 3.0)] double guidance)
    {
        var options = new SampleOptions { Steps = 4, Guidance = guidance, Eta = eta };
        float[] together = Sample(options with { MaxBatch = 16 }, Requests).Values;
        Assert.That(Sample(options with { MaxBatch = 1 }, Requests).Values, Is.EqualTo(together));
        Assert.That(Sample(options with { MaxBatch = 4 }, Requests).Values, Is.EqualTo(together));
        Assert.That(Sample(options, [.. Requests.Reverse()]).Values[..192], Is.EqualTo(together[^192..]), "the order of the requests");
    }

    /// <summary>Many prompts, seeds and negative prompts in one batch: each picture is the one it is alone.</summary>
    [Test]
    public void AMixedBatchIsOneByOne([Values] SolverKind solver, [Values(TimestepSpacing.Leading, TimestepSpacing.Trailing)] TimestepSpacing spacing)
    {
        string[] prompts = ["a red disc", "nothing", "a blue cross"], negatives = ["", "a white square", "", "a green square"];
        SampleRequest[] requests =
        [
            .. Enumerable.Range(0, 12).Select(i => new SampleRequest(prompts[i % 3], (ulong)(i / 3), i % 2) { NegativePrompt = negatives[i % 4] }),
        ];
        using var model = DiffusionModel.Create(
            Tiny.Preset with { Scheduler = Tiny.Preset.Scheduler with { TimestepSpacing = spacing } }, Tiny.Captions, _device, 7, ModelUse.Sampling);
        var options = new SampleOptions { Solver = solver, Steps = 4, Guidance = 3 };
        float[] together = new Sampler(model, options).Sample(requests).Values;
        for (int i = 0; i < requests.Length; i++)
        {
            Assert.That(new Sampler(model, options).Sample([requests[i]]).Values, Is.EqualTo(together[(192 * i)..(192 * (i + 1))]), $"{i}");
        }
    }

    /// <summary>One step is linear in the output: picture(w) = picture_u + w (picture_c − picture_u).</summary>
    [Test]
    public void TheNegativePromptIsWhereGuidanceComesFrom()
    {
        var options = new SampleOptions { Steps = 1, Guidance = 2 };
        var request = Requests[0] with { NegativePrompt = "a blue cross" };
        float[] With(double w, SampleRequest r) => Sample(options with { Guidance = w }, r).Values;
        float[] c = With(1, Requests[0]), u = With(1, Requests[0] with { Prompt = "a blue cross" });
        float[] expected = [.. c.Zip(u, (x, y) => 2 * x - y)];
        Assert.That(Nmse.Of(With(2, request), expected), Is.LessThan(1e-10));
        Assert.That(With(2, request), Is.Not.EqualTo(With(2, Requests[0])));
        Assert.That(With(2, Requests[0] with { NegativePrompt = "" }), Is.EqualTo(With(2, Requests[0])));
    }

    [Test]
    public void ANegativePromptWithoutGuidanceIsRefused() => Assert.That(
        () => Sample(new SampleOptions { Guidance = 1 }, Requests[0], Requests[1] with { NegativePrompt = "a blue cross" }),
        Throws.TypeOf<UserException>().With.Message.Contains("'a blue cross' has no effect with guidance 1. Use a guidance above 1"));

    [Test]
    public void SimtGivesTheBitsOfCpu([Values(0.0, 0.7)] double eta)
    {
        var options = new SampleOptions { Steps = 5, Eta = eta };
        using var simt = ComputeDevice.Open("simt");
        using var model = Tiny.Model(simt, ModelUse.Sampling);
        var pictures = new Sampler(model, options).Sample(Requests[..2]);
        Assert.That(pictures.Values, Is.EqualTo(Sample(options, Requests[..2]).Values));
    }

    [Test]
    public void EverythingThatIsAskedForMatters()
    {
        var options = new SampleOptions { Steps = 4 };
        var request = Requests[0];
        float[] picture = Sample(options, request).Values;
        Assert.That(Sample(options, request).Values, Is.EqualTo(picture));
        Assert.That(Sample(options, request with { Seed = 12 }).Values, Is.Not.EqualTo(picture));
        Assert.That(Sample(options, request with { Index = 5 }).Values, Is.Not.EqualTo(picture));
        Assert.That(Sample(options, request with { Prompt = "a blue disc" }).Values, Is.Not.EqualTo(picture));
        Assert.That(Sample(options with { Steps = 5 }, request).Values, Is.Not.EqualTo(picture));
        Assert.That(Sample(options with { Guidance = 2 }, request).Values, Is.Not.EqualTo(picture));
        Assert.That(Sample(options with { Eta = 0.5 }, request).Values, Is.Not.EqualTo(picture));
        Assert.That(Sample(options with { Purpose = "keys" }, request).Values, Is.Not.EqualTo(picture));
    }

    /// <summary>w ≤ 1 skips the unconditional half, and w = 1 would not change anything.</summary>
    [Test]
    public void WithoutGuidanceTheEmptyPromptIsNotUsed()
    {
        var options = new SampleOptions { Steps = 4, Guidance = 1 };
        Assert.That(Sample(options with { Guidance = 0 }, Requests[0]).Values, Is.EqualTo(Sample(options, Requests[0]).Values));
        float[] barely = Sample(options with { Guidance = 1 + 1e-7 }, Requests[0]).Values;
        Assert.That(Nmse.Of(barely, Sample(options, Requests[0]).Values), Is.LessThan(1e-9));
    }

    [Test]
    public void PixelsAreTheRoundedValues()
    {
        var pictures = Sample(new SampleOptions { Steps = 3 }, Requests);
        Assert.That(pictures.Select(p => (p.Side, p.Values.Length, p.Pixels.Length)), Is.EqualTo(Enumerable.Repeat((8, 192, 192), 6)));
        foreach (var (value, pixel) in pictures.SelectMany(p => p.Values.Zip(p.Pixels)))
        {
            double expected = Math.Round(255 * Math.Clamp(value / 2.0 + 0.5, 0, 1), MidpointRounding.ToEven);
            Assert.That(pixel, Is.EqualTo(expected).Within(1e-4 * 255 > Math.Abs(127.5 * value % 1 - 0.5) ? 1 : 0));
        }
    }

    [Test]
    public void ProgressCountsPicturesAndSteps()
    {
        var seen = new List<SampleProgress>();
        new Sampler(_model, new SampleOptions { Steps = 2, MaxBatch = 4 }).Sample(Requests, seen.Add);
        Assert.That(seen, Is.EqualTo(new SampleProgress[] { new(0, 6, 0, 2), new(0, 6, 1, 2), new(4, 6, 0, 2), new(4, 6, 1, 2), new(6, 6, 2, 2) }));
    }

    [Test]
    public void SenselessOptionsAreRefused()
    {
        Assert.That(() => new Sampler(_model, new SampleOptions { Steps = 0 }), Throws.TypeOf<UserException>());
        Assert.That(() => new Sampler(_model, new SampleOptions { MaxBatch = 0 }), Throws.TypeOf<UserException>().With.Message.Contains("at least one"));
        Assert.That(
            () => new Sampler(_model, new SampleOptions { Guidance = double.NaN }),
            Throws.TypeOf<UserException>().With.Message.Contains("guidance"));
        Assert.That(() => new Sampler(_model, new SampleOptions { Eta = -1 }), Throws.ArgumentException.With.Message.Contains("eta"));
    }

    [Test]
    public void AModelThatGivesNoNumbersIsNamedByItsPrompt()
    {
        using var model = Tiny.Model(_device);
        float[] bias = model.Trained["unet.conv_out.bias"].ToArray<float>();
        bias[0] = float.NaN;
        model.Trained["unet.conv_out.bias"].CopyFrom<float>(bias);
        Assert.That(
            () => new Sampler(model, new SampleOptions { Steps = 2 }).Sample(Requests),
            Throws.TypeOf<NotFiniteNumberException>().With.Message.Contains("'a red disc'"));
    }

    [Test]
    public void CancellingStops()
    {
        using var cancel = new CancellationTokenSource();
        Assert.That(
            () => new Sampler(_model, new SampleOptions { Steps = 4 }).Sample(Requests, p => cancel.Cancel(), cancel.Token),
            Throws.InstanceOf<OperationCanceledException>());
    }

    /// <summary>But for the timesteps of all steps, four bytes for each sample, which are uploaded before the first.</summary>
    [Test]
    public void MemoryDoesNotGrowWithTheSteps()
    {
        using var device = ComputeDevice.Open("cpu");
        using var model = Tiny.Model(device, ModelUse.Sampling);
        new Sampler(model, new SampleOptions { Steps = 1 }).Sample(Requests);
        long one = device.Pool.Peak;
        new Sampler(model, new SampleOptions { Steps = 6 }).Sample(Requests);
        Assert.That(device.Pool.Peak, Is.InRange(one, one + 6 * 2 * Requests.Length * sizeof(int)));
    }

    /// <summary>Evaluation frees activations as it goes; training keeps them.</summary>
    [Test]
    public void EvaluationTakesLessMemoryThanTraining()
    {
        long Peak(bool record)
        {
            using var device = ComputeDevice.Open("cpu");
            using var parameters = new ParameterSet(device);
            var unet = new UNet2DConditionModel(Tiny.Preset.UNet with { LayersPerBlock = 4 }, new ParameterScope(parameters, new WeightInit()));
            parameters.Freeze();
            long before = device.Pool.InUse;
            using var tape = new Tape(device, record);
            Tensor sample = tape.Arena.Zeros(new Shape(8, 8, 8, 3)), text = tape.Arena.Zeros(new Shape(8, 6, 16));
            unet.Forward(tape, sample, tape.Arena.Zeros(new Shape(8), DType.I32), text);
            return device.Pool.Peak - before;
        }
        Assert.That(Peak(record: false), Is.LessThan(Peak(record: true) / 3));
    }

    private IReadOnlyList<SampledPicture> Sample(SampleOptions options, params SampleRequest[] requests) => new Sampler(_model, options).Sample(requests);
}
