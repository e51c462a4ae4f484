using System.Text.Json;
using CudaAttribution.Models.Schedulers;
using CudaAttribution.Runs;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests;

/// <summary>The sampler's tables against the oracle, closed forms and properties that hold for every spacing and number of steps.</summary>
public class DdimSchedulerTests
{
    private static readonly TimestepSpacing[] Spacings = Enum.GetValues<TimestepSpacing>();

    private static readonly int[] StepCounts = [1, 2, 3, 7, 10, 20, 25, 33, 50, 100, 333, 500, 999];

    [Test]
    public void FiftyStepsRunFrom981To1ByTwenty()
    {
        var steps = DdimScheduler.Steps(new SchedulerConfig(), 50);
        Assert.That(steps.Select(s => s.Timestep), Is.EqualTo(Enumerable.Range(0, 50).Select(k => 981 - 20 * k)));
        Assert.That(steps.Select(s => s.Previous), Is.EqualTo(Enumerable.Range(0, 49).Select(k => 961 - 20 * k).Append(-1)));
    }

    [Test]
    public void TablesAreTheOracles()
    {
        using var golden = JsonDocument.Parse(Golden.Text("schedule.json"));
        var schedule = new NoiseSchedule(new SchedulerConfig());
        double[] expected = golden.RootElement.GetProperty("alphas_cumprod").Deserialize<double[]>()!;
        Assert.That(schedule.Count, Is.EqualTo(expected.Length));
        for (int t = 0; t < expected.Length; t++) Assert.That(schedule.AlphaBar(t), Is.EqualTo(expected[t]).Within(1e-12 * expected[t]), $"t = {t}");
        foreach (var table in golden.RootElement.GetProperty("timesteps").EnumerateObject())
        {
            int[][] pairs = table.Value.Deserialize<int[][]>()!;
            var steps = DdimScheduler.Steps(new SchedulerConfig(), int.Parse(table.Name));
            Assert.That(steps.Select(s => s.Timestep), Is.EqualTo(pairs.Select(p => p[0])), table.Name);
            foreach (var (step, pair) in steps.Zip(pairs))
            {
                Assert.That(
                    step.AlphaBarPrevious,
                    Is.EqualTo(expected[Math.Max(0, pair[1])]).Within(1e-12),
                    $"{table.Name} steps, t = {step.Timestep}");
            }
        }
    }

    [Test]
    public void EndsOfTheScheduleAreThePublishedOnes()
    {
        var schedule = new NoiseSchedule(new SchedulerConfig());
        Assert.That(schedule.AlphaBar(0), Is.EqualTo(0.99915).Within(1e-12));
        Assert.That(schedule.AlphaBar(999), Is.EqualTo(0.0046601).Within(5e-8));
    }

    [TestCase(TimestepSpacing.Leading, 10, new[] { 901, 801, 701, 601, 501, 401, 301, 201, 101, 1 })]
    [TestCase(TimestepSpacing.Linspace, 5, new[] { 999, 749, 500, 250, 0 })]
    [TestCase(TimestepSpacing.Trailing, 5, new[] { 999, 799, 599, 399, 199 })]
    [TestCase(TimestepSpacing.Trailing, 7, new[] { 999, 856, 713, 570, 428, 285, 142 })]
    public void SpacingsAreThoseOfDiffusers(TimestepSpacing spacing, int steps, int[] expected) =>
        Assert.That(DdimScheduler.Timesteps(new SchedulerConfig { TimestepSpacing = spacing }, steps), Is.EqualTo(expected));

    [Test]
    public void PreviousIsTheNextOfTheListForEverySpacingAndCount(
        [ValueSource(nameof(Spacings))] TimestepSpacing spacing,
        [ValueSource(nameof(StepCounts))] int count)
    {
        foreach (bool toOne in new[] { false, true })
        {
            var config = new SchedulerConfig { TimestepSpacing = spacing, SetAlphaToOne = toOne };
            var schedule = new NoiseSchedule(config);
            var steps = DdimScheduler.Steps(config, count);
            Assert.That(steps, Has.Count.EqualTo(count));
            for (int k = 0; k < count; k++)
            {
                var s = steps[k];
                Assert.That(s.Timestep, Is.InRange(0, 999));
                Assert.That(s.AlphaBar, Is.EqualTo(schedule.AlphaBar(s.Timestep)));
                if (k == count - 1)
                {
                    Assert.That((s.Previous, s.AlphaBarPrevious), Is.EqualTo((-1, toOne ? 1.0 : schedule.AlphaBar(0))));
                    continue;
                }
                Assert.That(s.Previous, Is.EqualTo(steps[k + 1].Timestep));
                Assert.That(s.Previous, Is.LessThan(s.Timestep));
                Assert.That(s.AlphaBarPrevious, Is.EqualTo(schedule.AlphaBar(s.Previous)));
            }
        }
    }

    /// <summary>
    /// With the true noise as the model's output, each update lands exactly on the less noisy sample of the same picture: any wrong ᾱ_p or
    /// coefficient breaks it.
    /// </summary>
    [Test]
    public void APerfectModelKeepsThePicture(
        [ValueSource(nameof(Spacings))] TimestepSpacing spacing,
        [Values] PredictionType prediction,
        [Values(3, 20, 50)] int count)
    {
        const double Picture = 0.37, Noise = -1.2;
        var steps = DdimScheduler.Steps(new SchedulerConfig { TimestepSpacing = spacing, PredictionType = prediction }, count);
        double x = Math.Sqrt(steps[0].AlphaBar) * Picture + Math.Sqrt(1 - steps[0].AlphaBar) * Noise;
        foreach (var s in steps)
        {
            double output = prediction == PredictionType.Epsilon ? Noise : Math.Sqrt(s.AlphaBar) * Noise - Math.Sqrt(1 - s.AlphaBar) * Picture;
            x = s.Sample * x + s.Output * output;
            Assert.That(
                x,
                Is.EqualTo(Math.Sqrt(s.AlphaBarPrevious) * Picture + Math.Sqrt(1 - s.AlphaBarPrevious) * Noise).Within(1e-11),
                $"t = {s.Timestep}");
        }
    }

    /// <summary>η = 1 gives the variance of DDPM's posterior between neighbouring timesteps.</summary>
    [Test]
    public void EtaOneIsTheDdpmPosterior()
    {
        var config = new SchedulerConfig { TimestepSpacing = TimestepSpacing.Linspace };
        var schedule = new NoiseSchedule(config);
        var step = DdimScheduler.Steps(config, 1000, eta: 1)[300];
        double beta = 1 - schedule.AlphaBar(step.Timestep) / schedule.AlphaBar(step.Timestep - 1);
        Assert.That(step.Previous, Is.EqualTo(step.Timestep - 1));
        Assert.That(step.Sigma * step.Sigma, Is.EqualTo((1 - step.AlphaBarPrevious) / (1 - step.AlphaBar) * beta).Within(1e-14));
    }

    [Test]
    public void ImpossibleRequestsAreRefused()
    {
        var config = new SchedulerConfig();
        Assert.That(() => DdimScheduler.Steps(config, 0), Throws.TypeOf<UserException>().With.Message.Contains("1..1000"));
        Assert.That(() => DdimScheduler.Steps(config, 1001), Throws.TypeOf<UserException>().With.Message.Contains("1..1000"));
        Assert.That(() => DdimScheduler.Steps(config, 1000), Throws.TypeOf<UserException>().With.Message.Contains("beyond the last one, 999"));
        Assert.That(() => DdimScheduler.Steps(config, 10, eta: 1.5), Throws.ArgumentException.With.Message.Contains("[0, 1]"));
        Assert.That(() => DdimScheduler.Steps(config, 10, eta: double.NaN), Throws.ArgumentException);
        Assert.That(() => new NoiseSchedule(new SchedulerConfig { BetaEnd = 2 }), Throws.ArgumentException.With.Message.Contains("beta_end"));
    }
}
