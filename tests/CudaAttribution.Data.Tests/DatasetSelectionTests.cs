using CudaAttribution.Data.Datasets;
using CudaAttribution.Data.Tests.Support;
using NUnit.Framework;

namespace CudaAttribution.Data.Tests;

/// <summary>Parts of data sets, and the generator behind shuffles.</summary>
public class DatasetSelectionTests
{
    private static readonly CaptionedDataset Set =
        new("test", Enumerable.Range(0, 20).Select(i => new CaptionedImage($"{i:00}", $"caption {i}", Pictures.Noise(2, 2, (ulong)i))));

    [Test]
    public void PartsKeepTheOrder()
    {
        Assert.That(Ids(Set.Where(i => i.Id.EndsWith('3'))), Is.EqualTo(new[] { "03", "13" }));
        Assert.That(Ids(Set.Subset(["07", "01"])), Is.EqualTo(new[] { "07", "01" }));
        Assert.That(Ids(Set.Slice(18, 2)), Is.EqualTo(new[] { "18", "19" }));
        Assert.That(Ids(Set.Take(1)), Is.EqualTo(new[] { "00" }));
        Assert.That(Set.Select(i => i.WithCaption("x " + i.Caption))["04"].Caption, Is.EqualTo("x caption 4"));
    }

    [Test]
    public void WrongPartsAreErrors()
    {
        Assert.That(() => Set.Where(_ => false), Throws.TypeOf<DatasetException>().With.Message.Contains("empty"));
        Assert.That(() => Set.Subset(["99"]), Throws.TypeOf<DatasetException>().With.Message.Contains("no picture '99'"));
        Assert.That(() => Set.Subset(["01", "01"]), Throws.TypeOf<DatasetException>().With.Message.Contains("occurs twice"));
        Assert.That(() => Set.Slice(19, 2), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => Set.Take(0), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(Set.Find("99"), Is.Null);
    }

    [Test]
    public void SplitMixGivesThePublishedSequence()
    {
        // The test vector that implementations of SplitMix64 share: seed 1234567.
        var random = new SplitMix64(1234567);
        ulong[] expected = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821];
        ulong[] numbers = [.. Enumerable.Range(0, 5).Select(_ => random.Next())];
        Assert.That(numbers, Is.EqualTo(expected));
    }

    [Test]
    public void BelowIsEvenAndInRange()
    {
        var random = new SplitMix64(3);
        var counts = new int[7];
        for (int i = 0; i < 70000; i++) counts[random.Below(7)]++;
        // 10,000 expected each, standard deviation 93.
        Assert.That(counts, Is.All.InRange(9600, 10400));
        Assert.That(() => random.Below(0), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void ShuffleIsAFixedPermutationOfTheSeed()
    {
        // Computed in Python from the definition: SplitMix64, high half of the product, Fisher-Yates from the end.
        Assert.That(Ids(Set.Shuffle(42)), Is.EqualTo("09 16 07 15 01 12 19 08 11 02 06 04 10 18 13 00 17 05 03 14".Split(' ')));
        Assert.That(Ids(Set.Shuffle(42)), Is.EquivalentTo(Ids(Set)));
        Assert.That(Ids(Set.Shuffle(43)), Is.Not.EqualTo(Ids(Set.Shuffle(42))));
    }

    [Test]
    public void ShufflesReachEveryOrder()
    {
        CaptionedDataset three = Set.Take(3);
        var seen = Enumerable.Range(0, 6000)
            .GroupBy(seed => string.Join(' ', Ids(three.Shuffle((ulong)seed))))
            .ToDictionary(g => g.Key, g => g.Count());
        Assert.That(seen, Has.Count.EqualTo(6));
        // 1,000 expected each, standard deviation 29.
        Assert.That(seen.Values, Is.All.InRange(870, 1130));
    }

    private static string[] Ids(CaptionedDataset set) => [.. set.Items.Select(i => i.Id)];
}
