using CudaAttribution.Statistics;

namespace CudaAttribution.Tests.Statistics;

public class ModelTailTests
{
    /// <summary>Ranges by lgamma and golden section over the mean; build/oracle/make_indication_golden.py.</summary>
    [Test]
    public void RangesAreThoseOfTheOracle()
    {
        var cases = IndicationGolden.Cases("model_based");
        Assert.That(cases, Has.Length.EqualTo(10));
        using (Assert.EnterMultipleScope())
        {
            foreach (var c in cases)
            {
                int[][] families = [.. c.GetProperty("families").EnumerateArray().Select(f => f.EnumerateArray().Select(h => h.GetInt32()).ToArray())];
                var tail = ModelTail.Of(families, c.GetProperty("count").GetInt32(), c.GetProperty("trials").GetInt32())!;
                Assert.That(tail.PLow, Is.EqualTo(c.GetProperty("p_low").GetDouble()).Within(1e-3).Percent, $"low of {c}");
                Assert.That(tail.PHigh, Is.EqualTo(c.GetProperty("p_high").GetDouble()).Within(1e-3).Percent, $"high of {c}");
            }
        }
    }

    [Test]
    public void OneHitIsNoProofAgainstReferencesWithout()
    {
        Assert.That(ModelTail.Of([[0, 0, 0, 0, 0, 0]], 1, 30)!.PLow, Is.GreaterThan(0.01));
        Assert.That(ModelTail.Of([[30, 30]], 30, 30)!.PLow, Is.GreaterThan(0.9));
    }

    [Test]
    public void TheRangeGoesOverAllFamiliesThatHaveMembers()
    {
        var (few, many) = (ModelTail.Of([[0, 1]], 6, 30)!, ModelTail.Of([[9, 12]], 6, 30)!);
        Assert.That(ModelTail.Of([[0, 1], [], [9, 12]], 6, 30), Is.EqualTo(new ModelTail(few.PLow, many.PHigh)));
        Assert.That(few.PHigh, Is.LessThan(many.PHigh));
        Assert.That(ModelTail.Of([[], []], 6, 30), Is.Null);
        Assert.That(ModelTail.Of([], 6, 30), Is.Null);
    }
}
