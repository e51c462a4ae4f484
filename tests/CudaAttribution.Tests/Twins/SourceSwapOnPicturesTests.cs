using CudaAttribution.Data.Datasets;
using CudaAttribution.Images;
using CudaAttribution.Measures;
using CudaAttribution.Runs;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tests.World;
using CudaAttribution.Twins;

namespace CudaAttribution.Tests.Twins;

/// <summary>The whole of the source-swap test on pictures, whoever of the models is the source.</summary>
[TestFixture("px")]
[TestFixture("tile")]
public sealed class SourceSwapOnPicturesTests(string metric) : IDisposable
{
    private readonly ComputeDevice _device = ComputeDevice.Open("cpu", "kernels");

    private IPictureMeasure Measure => MeasureRegistry.Create(metric, _device);

    public void Dispose() => _device.Dispose();

    /// <summary>Exactness: exchange the source with a twin, and the same is exchanged in the result, bit for bit.</summary>
    [Test]
    public void ExchangingModelsExchangesTheirScoresAndNothingElse()
    {
        for (ulong seed = 1; seed <= 3; seed++)
        {
            var world = new TwinWorld(seed: seed);
            var asked = Asked(world, seed);
            var straight = new SourceSwap(world.Save(TestFolder.New($"{seed}-straight")), Measure);
            double[] contrasts = straight.Contrasts();
            var scores = straight.Test(asked).Scores;
            foreach (int[] order in (int[][])[[1, 0, 2, 3, 4], [4, 3, 2, 1, 0], [2, 4, 1, 0, 3]])
            {
                var swapped = new SourceSwap(world.Save(TestFolder.New($"{seed}-{order[0]}"), order), Measure);
                Assert.That(swapped.Contrasts(), Is.EqualTo(contrasts));
                Assert.That(SwapChoice.Sharpest(swapped.Contrasts(), 3), Is.EqualTo(SwapChoice.Sharpest(contrasts, 3)));
                Assert.That(swapped.Test(asked).Scores, Is.EqualTo(order.Select(m => scores[m])));
            }
        }
    }

    /// <summary>Of all choices of the source, at most one in B + 1 has p = 1/(B + 1): the test never alarms too often.</summary>
    [Test]
    public void OverAllChoicesOfTheSourcePIsValid()
    {
        var world = new TwinWorld(models: 6);
        var asked = Asked(world, 9);
        double[] p =
        [
            .. Enumerable.Range(0, 6).Select(source => new SourceSwap(
                world.Save(TestFolder.New($"of {source}"), [source, .. Enumerable.Range(0, 6).Where(m => m != source)]), Measure).Test(asked).PValue),
        ];
        foreach (double alpha in p) Assert.That(p.Count(v => v <= alpha), Is.LessThanOrEqualTo((alpha * 6) + 1e-9));
    }

    [Test]
    public void ASuspectOfTheSourcesPicturesIsNearestToIt()
    {
        var world = new TwinWorld();
        var swap = new SourceSwap(world.Save(TestFolder.New("set")), Measure);
        var test = swap.Test([.. Enumerable.Range(0, world.Prompts.Length).Select(p => (p, (IReadOnlyList<RgbImage>)world.Of(0, p)))]);
        Assert.That((test.PValue, test.Nearest), Is.EqualTo((0.2, 6.0)));
        Assert.That(test.Scores[0], Is.EqualTo(1).Within(1e-12), "it errs as the source does");
    }

    [Test]
    public void TheSharpestAreChosenAndAllOfThemWhereAsManyAreWanted()
    {
        var world = new TwinWorld();
        var swap = new SourceSwap(world.Save(TestFolder.New("set")), Measure);
        Assert.That(swap.Choose(3, []), Is.EqualTo(SwapChoice.Sharpest(swap.Contrasts(), 3)));
        Assert.That(swap.Choose(world.Prompts.Length - 1, []), Has.Length.EqualTo(world.Prompts.Length - 1));
        Assert.That(swap.Choose(world.Prompts.Length, []), Is.EqualTo(Enumerable.Range(0, world.Prompts.Length)));
        Assert.That(swap.Choose(99, []), Is.EqualTo(Enumerable.Range(0, world.Prompts.Length)));
        int[] sharpest = SwapChoice.Sharpest(swap.Contrasts(), world.Prompts.Length);
        Assert.That(swap.Choose(2, [sharpest[1]]), Is.EqualTo(new[] { sharpest[0], sharpest[2] }));
        Assert.That(swap.Choose(world.Prompts.Length - 1, [0]), Is.EqualTo(Enumerable.Range(1, world.Prompts.Length - 1)));
    }

    [Test]
    public void ProgressIsToldAndWorkCanBeStopped()
    {
        var swap = new SourceSwap(new TwinWorld().Save(TestFolder.New("set")), Measure);
        using var cancel = new CancellationTokenSource();
        var told = new List<(int, int)>();
        Assert.That(
            () => swap.Contrasts(
                (done, total) =>
                {
                    told.Add((done, total));
                    if (done == 2) cancel.Cancel();
                },
                cancel.Token),
            Throws.InstanceOf<OperationCanceledException>());
        Assert.That(told, Is.EqualTo([(1, 6), (2, 6)]));
    }

    [Test]
    public void NothingAndTwiceTheSameAreRefused()
    {
        var world = new TwinWorld();
        var swap = new SourceSwap(world.Save(TestFolder.New("set")), Measure);
        var asked = Asked(world, 1);
        Assert.That(() => swap.Test([]), Throws.TypeOf<UserException>().With.Message.Contains("no prompt was answered"));
        Assert.That(() => swap.Test([asked[0], asked[0]]), Throws.TypeOf<UserException>().With.Message.Contains("is there 2 times"));
    }

    private static (int Prompt, IReadOnlyList<RgbImage> Answers)[] Asked(TwinWorld world, ulong seed)
    {
        var random = new SplitMix64(seed + 100);
        var asked = new List<(int, IReadOnlyList<RgbImage>)>();
        foreach (int prompt in (int[])[4, 0, 3]) asked.Add((prompt, world.Pictures(2, ref random)));
        return [.. asked];
    }
}
