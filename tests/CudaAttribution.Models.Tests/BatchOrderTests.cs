using CudaAttribution.Models.Training;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests;

/// <summary>
/// The draws of training: complete epochs, uniform timesteps, the right share of dropped captions, and nothing but (seed, step) in them.
/// </summary>
public class BatchOrderTests
{
    [Test]
    public void EachEpochShowsEachPictureOnceInItsOwnOrder()
    {
        var plan = new BatchOrder(seed: 3, items: 10);
        var shown = Enumerable.Range(0, 15).SelectMany(step => Pictures(plan, step, 4)).ToArray();
        var epochs = shown.Chunk(10).ToArray();
        Assert.That(epochs, Has.All.EquivalentTo(Enumerable.Range(0, 10)));
        Assert.That(epochs.Select(e => string.Join(',', e)), Is.Unique);
    }

    [Test]
    public void AStepDoesNotDependOnTheStepsBefore()
    {
        BatchOrder Plan() => new(3, 10);
        var once = Plan();
        var forward = Enumerable.Range(0, 8).Select(s => string.Join(',', Pictures(once, s, 4))).ToArray();
        for (int step = 7; step >= 0; step--)
        {
            Assert.That(string.Join(',', Pictures(Plan(), step, 4)), Is.EqualTo(forward[step]));
            Assert.That(string.Join(',', Pictures(once, step, 4)), Is.EqualTo(forward[step]), "going back in the same plan");
        }
    }

    [Test]
    public void SetsSmallerThanABatchAreShownAgain() =>
        Assert.That(Pictures(new BatchOrder(1, 3), 0, 6).GroupBy(p => p).Select(g => g.Count()), Is.EqualTo(new[] { 2, 2, 2 }));

    [Test]
    public void TimestepsAreUniformAndCaptionsDropAtTheirRate()
    {
        const int Batch = 50, Steps = 400;
        var plan = new DiffusionDraws(9, Batch, 1000, 0.1);
        int[] counts = new int[10], t = new int[Batch];
        int dropped = 0;
        for (int step = 0; step < Steps; step++)
        {
            plan.Timesteps(step, t);
            Assert.That(t, Has.All.InRange(0, 999));
            foreach (int value in t) counts[value / 100]++;
            dropped += Enumerable.Range(0, Batch).Count(place => plan.DropsCaption(step, place));
        }
        // Five standard deviations of the binomial.
        Assert.That(counts, Has.All.EqualTo(Batch * Steps / 10).Within(5 * Math.Sqrt(Batch * Steps * 0.09)));
        Assert.That(dropped, Is.EqualTo(Batch * Steps * 0.1).Within(5 * Math.Sqrt(Batch * Steps * 0.09)));
    }

    [TestCase(0.0, 0)]
    [TestCase(1.0, 50)]
    public void NeverAndAlwaysAreExact(double rate, int expected) =>
        Assert.That(Enumerable.Range(0, 50).Count(p => new DiffusionDraws(9, 50, 1000, rate).DropsCaption(0, p)), Is.EqualTo(expected));

    [Test]
    public void StepsForEpochsRoundUp() =>
        Assert.That((TrainOptions.StepsFor(2, 100, 32), TrainOptions.StepsFor(0.5, 64, 32), TrainOptions.StepsFor(3, 5, 8)), Is.EqualTo((7, 1, 2)));

    private static int[] Pictures(BatchOrder plan, int step, int batch)
    {
        int[] indices = new int[batch];
        plan.Items(step, indices);
        return indices;
    }
}
