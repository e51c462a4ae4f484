using CudaAttribution.Answers;
using CudaAttribution.Evidence;
using CudaAttribution.Populations;
using CudaAttribution.Statistics;

namespace CudaAttribution.Tests.Evidence;

public class IndicationTests
{
    private static readonly Usability Usable = new(30, 6, 0.2, null);
    private static readonly string[] Names = ["real-other", "real-same", "real-own", "sibling", "twin"];

    [Test]
    public void PIsTheLargestRankOfTheFiveFamilies([Values(0, 1, 2, 3, 4)] int worst)
    {
        // In one family a reference is as high as the suspect, in the others none.
        var references = InnocentFamilies.Required.SelectMany((f, i) => Of(f, [.. Enumerable.Repeat(0, 98), i == worst ? 21 : 20]));
        var found = Indicate(21, references);
        Assert.That(found.PValue, Is.EqualTo(0.02));
        Assert.That(found.WithoutP, Is.Null);
        Assert.That(found.Families.Select(f => f.Family), Is.EqualTo(Names));
        Assert.That(found.Families.Select(f => f.PValue), Is.EqualTo(Enumerable.Range(0, 5).Select(i => i == worst ? 0.02 : 0.01)));
        Assert.That(found.Families.All(f => f is { Enough: true, References: 99, Floor: 0.01 }));
    }

    [Test]
    public void OneMemberTooFewLeavesNoP([Values(0, 1, 2, 3, 4)] int family)
    {
        var references = InnocentFamilies.Required.SelectMany((f, i) => Of(f, new int[i == family ? 98 : 99]));
        var found = Indicate(21, references);
        Assert.That(found.PValue, Is.Null);
        Assert.That(found.WithoutP, Is.EqualTo($"too few references: {Names[family]} m = 98, floor 0.01"));
        Assert.That(found.Families.Select(f => f.Enough), Is.EqualTo(Enumerable.Range(0, 5).Select(i => i != family)));
        Assert.That(found.Families[family].PValue, Is.EqualTo(1 / 99.0), "the rank itself is told");
    }

    [Test]
    public void WhatIsMissingIsNamed()
    {
        var all = Names.SelectMany((_, i) => Of(InnocentFamilies.Required[i], new int[i == 2 ? 3 : i == 4 ? 0 : 99]));
        Assert.That(Indicate(21, all).WithoutP, Is.EqualTo("too few references: real-own m = 3, floor 0.25; twin m = 0"));
        Assert.That(Indicate(21, []).WithoutP, Is.EqualTo("there are no references"));
        Assert.That(Indicate(21, Of(InnocentFamily.Untouched, [0])).WithoutP, Is.EqualTo("there are no references"));
        Assert.That(Indicate(21, Of(InnocentFamily.Twin, [0])).WithoutP, Does.StartWith("too few references: real-other m = 0; ").And.EndWith("; twin m = 1, floor 0.5"));
        Assert.That(Indicate(21, []), Has.Property("ModelBased").Null.And.Property("PValue").Null);
        Assert.That(Indicate(21, []).Families.Select(f => (f.Family, f.References, f.PValue)), Is.EqualTo(Names.Select(n => (n, 0, (double?)1))));
    }

    [Test]
    public void AFurtherFamilyIsReportedAndNotRequired()
    {
        var required = InnocentFamilies.Required.SelectMany(f => Of(f, new int[99])).ToArray();
        var found = Indicate(21, [.. Of(InnocentFamily.Untouched, [25, 3]), .. required]);
        Assert.That(found.PValue, Is.EqualTo(0.01));
        Assert.That(found.Families, Has.Count.EqualTo(6));
        Assert.That(found.Families[5], Has.Property("Family").EqualTo("untouched").And.Property("PValue").EqualTo(2 / 3.0).And.Property("Enough").False);
        Assert.That(found.Required, Is.EqualTo(found.Families.Take(5)));
        Assert.That(found.ModelBased, Is.EqualTo(Indicate(21, required).ModelBased), "nor does it widen the model-based range");
        Assert.That(Indicate(21, required).Families, Has.Count.EqualTo(5));
    }

    [Test]
    public void TheModelBasedRangeIsThatOfTheCounts()
    {
        var found = Indicate(21, [.. Of(InnocentFamily.RealOther, [0, 1]), .. Of(InnocentFamily.Twin, [12, 20])]);
        Assert.That(found.ModelBased, Is.EqualTo(ModelTail.Of([[0, 1], [12, 20]], 21, 30)));
        Assert.That(found.PValue, Is.Null, "and is never taken for p");
    }

    [Test]
    public void CountShareAndIntervalAreTheSuspects()
    {
        var found = Indicate(21, []);
        Assert.That((found.Name, found.Count, found.Trials, found.Share), Is.EqualTo(("conf", 21, 30, 0.7)));
        Assert.That(found.Interval, Is.EqualTo(ShareInterval.ClopperPearson(21, 30, 0.95)));
        Assert.That(
            Indication.Of("conf", 21, 30, [], new AttributionOptions { IntervalLevel = 0.8 }, Usable).Interval, Is.EqualTo(ShareInterval.ClopperPearson(21, 30, 0.8)));
    }

    [Test]
    public void UnusableAnswersLeaveNoPAnywhere()
    {
        var references = InnocentFamilies.Required.SelectMany(f => Of(f, new int[99])).Concat(Of(InnocentFamily.Untouched, [0])).ToArray();
        var unusable = new Usability(30, 7, 0.2, "refused");
        var found = Indication.Of("conf", 21, 30, references, new AttributionOptions(), unusable);
        Assert.That(found.PValue, Is.Null);
        Assert.That(found.WithoutP, Is.EqualTo(unusable.ToString()).And.Contains("7 of 30 answers are unusable"));
        Assert.That(found.ModelBased, Is.Null);
        Assert.That(found.Families.Select(f => f.PValue), Is.All.Null);
        Assert.That(found.Families.Select(f => f.References), Is.EqualTo((int[])[99, 99, 99, 99, 99, 1]));
        Assert.That(found.Count, Is.EqualTo(21));
        Assert.That(Indicate(21, references).PValue, Is.EqualTo(0.01), "with as many as planned it has one");
    }

    /// <summary>
    /// An innocent that is exchangeable with one family, whatever the others are: of two exchangeable models either is as likely to be the suspect, and at
    /// α = ½ at most one of the two may have p ≤ ½. All counts 0..2 of the pair and of the other families' members are enumerated.
    /// </summary>
    [Test]
    [Category("Enumeration")]
    public void PIsValidInWhateverFamilyTheInnocentIs()
    {
        var options = new AttributionOptions { Alpha = 0.5 };
        int low = 0;
        for (int code = 0; code < 729; code++)
        {
            int[] counts = [.. Enumerable.Range(0, 6).Select(i => code / (int)Math.Pow(3, i) % 3)];
            for (int family = 0; family < 5; family++)
            {
                bool Low(int suspect, int twin) => Indication.Of(
                    "conf", suspect, 2, InnocentFamilies.Required.Select((f, i) => (f, i == family ? twin : counts[i])), options, Usable).PValue <= 0.5;
                int accused = (Low(counts[5], counts[family]) ? 1 : 0) + (Low(counts[family], counts[5]) ? 1 : 0);
                Assert.That(accused, Is.LessThanOrEqualTo(1));
                low += accused;
            }
        }
        Assert.That(low, Is.GreaterThan(0));
    }

    private static Indication Indicate(int count, IEnumerable<(InnocentFamily Family, int Count)> references) =>
        Indication.Of(Indication.Conf, count, 30, references, new AttributionOptions(), Usable);

    private static IEnumerable<(InnocentFamily Family, int Count)> Of(InnocentFamily family, int[] counts) => counts.Select(c => (family, c));
}
