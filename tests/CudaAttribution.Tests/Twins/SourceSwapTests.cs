using CudaAttribution.Tensors;
using CudaAttribution.Twins;

namespace CudaAttribution.Tests.Twins;

public class SourceSwapTests
{
    [Test]
    public void ByHand()
    {
        var test = SourceSwapTest.Of([[0.9, 0.2, 0.1], [0.2, 0.8, 0.1], [0.7, 0.2, 0.3]]);
        Assert.Multiple(() =>
        {
            Assert.That(test.Scores, Is.EqualTo(new[] { 0.6, 0.4, 0.5 / 3 }).Within(1e-15));
            Assert.That(test.PValue, Is.EqualTo(1 / 3.0));
            Assert.That((test.Nearest, test.NearestTwin), Is.EqualTo((2.0, 1.0)));
            double mean = (0.4 + 0.5 / 3) / 2;
            Assert.That(test.Deviations, Is.EqualTo((0.6 - mean) / (Math.Sqrt(2) * (0.4 - mean))).Within(1e-12));
        });
    }

    [Test]
    public void EqualTwinsCountAgainstTheSource()
    {
        var test = SourceSwapTest.Of([[0.3, 0.3, 0.1]]);
        Assert.That((test.PValue, test.Nearest, test.Scores[0]), Is.EqualTo((2 / 3.0, 0.5, 0.3)));
    }

    /// <summary>Exactness: let each model in turn be the source; p ≤ k/(B + 1) for at most k of them, whatever the distances, ties included.</summary>
    [Test]
    public void OverAllChoicesOfTheSourcePIsValid()
    {
        var random = new PhiloxSequence(8, 3);
        for (int round = 0; round < 100; round++)
        {
            const int Models = 8;
            double[][] distances = [.. Enumerable.Range(0, 5).Select(_ => Enumerable.Range(0, Models).Select(_ => (double)random.Next(5)).ToArray())];
            double[] p = [.. Enumerable.Range(0, Models).Select(source => SourceSwapTest.Of([.. distances.Select(d => Swap(d, source))]).PValue)];
            foreach (double alpha in p) Assert.That(p.Count(v => v <= alpha), Is.LessThanOrEqualTo(alpha * Models + 1e-9));
        }

        static double[] Swap(double[] values, int source)
        {
            double[] swapped = [.. values];
            (swapped[0], swapped[source]) = (swapped[source], swapped[0]);
            return swapped;
        }
    }

    [Test]
    public void NothingToCompareIsRefused()
    {
        Assert.That(() => SourceSwapTest.Of([]), Throws.ArgumentException);
        Assert.That(() => SourceSwapTest.Of([[0.5]]), Throws.ArgumentException);
    }

    [Test]
    public void TheDeviationIsInStandardDeviationsOfTheTwins()
    {
        var test = SourceSwapTest.Of([[0.9, 0.1, 0.2, 0.6]]);
        Assert.That(test.Deviations, Is.EqualTo((0.9 - 0.3) / Math.Sqrt(0.07)).Within(1e-12));
        Assert.That(SourceSwapTest.Of([[0.5, 0.1, 0.3]]).Deviations, Is.EqualTo((0.5 - 0.2) / Math.Sqrt(0.02)).Within(1e-12), "two twins");
        Assert.That(SourceSwapTest.Of([[0.5, 0.25, 0.25]]).Deviations, Is.Null, "no spread");
    }

    [Test]
    public void TheSharpestHaveTheLargestContrastsAndEqualOnesStayInOrder()
    {
        Assert.That(SwapChoice.Sharpest([1, 3, 2, 3, 0], 3), Is.EqualTo(new[] { 1, 3, 2 }));
        Assert.That(SwapChoice.Contrast(new double[4, 4], 2), Is.Zero, "equal pictures");
        Assert.That(SwapChoice.Contrast(new double[,] { { 0, 0, 1, 1 }, { 0, 0, 1, 1 }, { 1, 1, 0, 0 }, { 1, 1, 0, 0 } }, 2), Is.GreaterThan(1e300), "no spread of their own");
    }

    [Test]
    public void OneTwinHasNoSpread() => Assert.That(SourceSwapTest.Of([[0.1, 0.2]]).Deviations, Is.Null);

    [Test]
    public void TheContrastComparesModelsWithTheirOwnSpread()
    {
        // Two models of two pictures: 0.1 and 0.3 within, 0.4 to 0.7 between.
        double[,] distances = { { 0, 0.1, 0.4, 0.5 }, { 0.1, 0, 0.6, 0.7 }, { 0.4, 0.6, 0, 0.3 }, { 0.5, 0.7, 0.3, 0 } };
        Assert.That(SwapChoice.Contrast(distances, 2), Is.EqualTo(0.55 / 0.2).Within(1e-12));
        Assert.That(() => SwapChoice.Contrast(distances, 1), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    /// <summary>Exchange the source with any twin: the same prompts are chosen, bit for bit.</summary>
    [Test]
    public void TheChoiceTreatsSourceAndTwinsAlike()
    {
        const int Models = 5, Draws = 3, Prompts = 9;
        var random = new PhiloxSequence(4, 6);
        double[][,] all = [.. Enumerable.Range(0, Prompts).Select(_ => Symmetric())];
        double[] contrasts = [.. all.Select(d => SwapChoice.Contrast(d, Draws))];
        for (int twin = 1; twin < Models; twin++)
        {
            double[] swapped = [.. all.Select(d => SwapChoice.Contrast(Swap(d, twin), Draws))];
            Assert.That(swapped, Is.EqualTo(contrasts));
            Assert.That(SwapChoice.Sharpest(swapped, 4), Is.EqualTo(SwapChoice.Sharpest(contrasts, 4)));
        }

        double[,] Symmetric()
        {
            var d = new double[Models * Draws, Models * Draws];
            for (int i = 0; i < Models * Draws; i++)
            {
                for (int j = 0; j < i; j++) d[i, j] = d[j, i] = random.NextSingle();
            }
            return d;
        }

        double[,] Swap(double[,] d, int twin)
        {
            var swapped = new double[Models * Draws, Models * Draws];
            for (int i = 0; i < Models * Draws; i++)
            {
                for (int j = 0; j < Models * Draws; j++) swapped[i, j] = d[Place(i), Place(j)];
            }
            return swapped;

            int Place(int picture) => (picture / Draws) switch
            {
                0 => (twin * Draws) + (picture % Draws),
                var m when m == twin => picture % Draws,
                _ => picture,
            };
        }
    }
}
