using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Tensors.Tests;

public sealed class PhiloxTests
{
    // Known answers that Salmon et al. publish with Random123 (kat_vectors, philox4x32-10); counter words first, then the two key words.
    [TestCase(0x00000000_00000000UL, 0x00000000_00000000UL, 0x00000000_00000000UL, 0x6627E8D5u, 0xE169C58Du, 0xBC57AC4Cu, 0x9B00DBD8u)]
    [TestCase(0xFFFFFFFF_FFFFFFFFUL, 0xFFFFFFFF_FFFFFFFFUL, 0xFFFFFFFF_FFFFFFFFUL, 0x408F276Du, 0x41C83B0Eu, 0xA20BC7C6u, 0x6D5451FDu)]
    [TestCase(0x85A308D3_243F6A88UL, 0x03707344_13198A2EUL, 0x299F31D0_A4093822UL, 0xD16CFE09u, 0x94FDCCEBu, 0x5001E420u, 0x24126EA1u)]
    public void Gives_the_published_words(ulong index, ulong stream, ulong seed, uint x, uint y, uint z, uint w) =>
        Assert.That(Philox.Block(index, stream, seed), Is.EqualTo((x, y, z, w)));

    [Test]
    public void Words_are_those_of_the_blocks_in_order()
    {
        for (ulong i = 0; i < 20; i++)
        {
            var (x, y, z, w) = Philox.Block(i / 4, 7, 9);
            Assert.That(Philox.Word(i, 7, 9), Is.EqualTo(new[] { x, y, z, w }[i % 4]));
        }
    }

    [Test]
    public void Purposes_and_their_indices_have_streams_of_their_own()
    {
        string[] purposes = ["noise", "timestep", "shuffle", "nois", "noise0", ""];
        ulong[] streams = [.. purposes.SelectMany(p => Enumerable.Range(0, 1000).Select(i => Philox.Stream(p, (ulong)i)))];
        Assert.That(streams, Is.Unique);
    }

    [Test]
    public void A_sequence_continues_from_its_position()
    {
        var whole = new PhiloxSequence(3, 5);
        int[] numbers = [.. Enumerable.Range(0, 100).Select(i => whole.Next(1 + i))];
        var first = new PhiloxSequence(3, 5);
        int[] start = [.. Enumerable.Range(0, 40).Select(i => first.Next(1 + i))];
        var rest = new PhiloxSequence(3, 5, first.Position);
        Assert.That(start.Concat(Enumerable.Range(40, 60).Select(i => rest.Next(1 + i))), Is.EqualTo(numbers));
    }

    [TestCase(1)]
    [TestCase(2)]
    [TestCase(7)]
    [TestCase(1000)]
    public void Integers_are_uniform(int bound)
    {
        const int Expected = 400;
        var counts = new int[bound];
        var random = new PhiloxSequence(11, (ulong)bound);
        for (int i = 0; i < Expected * bound; i++) counts[random.Next(bound)]++;
        // Chi-square has mean bound - 1 and variance 2 (bound - 1); six standard deviations are never left by chance.
        double chi = counts.Sum(c => (double)(c - Expected) * (c - Expected) / Expected);
        Assert.That(chi, Is.EqualTo(bound - 1).Within((6 * double.Sqrt(2.0 * bound)) + 1e-9));
    }

    [Test]
    public void A_large_bound_is_not_biased_to_its_lower_half()
    {
        // With 32-bit words a plain modulo of 3 * 2^30 would give the lowest third twice as often as the rest.
        const int Bound = 3 << 29;
        var random = new PhiloxSequence(12, 0);
        int low = Enumerable.Range(0, 30_000).Count(_ => random.Next(Bound) < Bound / 3);
        Assert.That(low, Is.EqualTo(10_000).Within(500));
    }

    [Test]
    public void Single_numbers_fill_the_unit_interval()
    {
        var random = new PhiloxSequence(13, 0);
        float[] x = [.. Enumerable.Range(0, 100_000).Select(_ => random.NextSingle())];
        using (Assert.EnterMultipleScope())
        {
            Assert.That(x.Min(), Is.InRange(0f, 1e-4f));
            Assert.That(x.Max(), Is.GreaterThan(0.9999f).And.LessThan(1f));
            Assert.That(x.Average(), Is.EqualTo(0.5).Within(0.006));
        }
    }

    [Test]
    public void A_shuffle_is_a_permutation_and_every_place_is_equally_likely()
    {
        const int N = 5, Rounds = 20_000;
        var random = new PhiloxSequence(14, 0);
        var counts = new int[N, N];
        for (int round = 0; round < Rounds; round++)
        {
            int[] items = [0, 1, 2, 3, 4];
            random.Shuffle<int>(items);
            Assert.That(items, Is.EquivalentTo(new[] { 0, 1, 2, 3, 4 }));
            for (int i = 0; i < N; i++) counts[items[i], i]++;
        }
        Assert.That(counts.Cast<int>(), Has.All.EqualTo(Rounds / N).Within(300));
    }

    [Test]
    public void Refuses_a_bound_that_holds_no_number() => Assert.Throws<ArgumentOutOfRangeException>(() => new PhiloxSequence(0, 0).Next(0));
}
