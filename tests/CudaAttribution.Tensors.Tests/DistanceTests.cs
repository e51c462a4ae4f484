using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Tensors.Tests;

public sealed class DistanceTests(string device) : ArenaFixture(device)
{
    [Test]
    public void The_largest_distance_does_not_overflow()
    {
        const int Bytes = 512 * 512 * 3;
        byte[] white = new byte[Bytes];
        white.AsSpan().Fill(255);
        long[] y = Squared(Arena.From(new byte[Bytes], [1, Bytes]), Arena.From(white, [1, Bytes]));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(y[0], Is.EqualTo(65025L * Bytes));
            Assert.That(Distance.Normalised(y[0], Bytes), Is.EqualTo(1.0));
        }
    }

    [Test]
    public void A_pair_does_not_depend_on_the_others()
    {
        var (a, b) = (Images(35, 700, 1), Images(34, 700, 2));
        long[] all = Squared(a, b);
        using (Assert.EnterMultipleScope())
        {
            foreach (var (i, j) in new[] { (0, 0), (31, 31), (32, 31), (31, 33), (34, 33) })
            {
                Assert.That(Squared(a.Rows(i, 1), b.Rows(j, 1))[0], Is.EqualTo(all[(i * 34) + j]), $"pair {i}, {j}");
            }
        }
    }

    [Test]
    public void A_distance_is_symmetric_and_zero_to_itself()
    {
        var a = Images(3, 91, 3);
        long[] y = Squared(a, a);
        Assert.That(y, Is.EqualTo(new[] { 0, y[1], y[2], y[1], 0, y[5], y[2], y[5], 0 }).And.Exactly(6).Positive);
    }

    [TestCase(1, 9, 7)]
    [TestCase(2, 9, 7)]
    [TestCase(3, 9, 7)]
    [TestCase(7, 9, 7)]
    [TestCase(4, 64, 64)]
    public void Tiles_cover_the_image(int k, int h, int w)
    {
        var a = Images(2, h * w * 3, 4).View(2, h, w, 3);
        var b = Images(3, h * w * 3, 5).View(3, h, w, 3);
        var y = Arena.New([2, 3, k * k], DType.I64);
        Distance.SquaredTiles(a, b, k, y);
        long[] sums = y.ToArray<long>(), whole = Squared(a, b);
        using (Assert.EnterMultipleScope())
        {
            for (int pair = 0; pair < 6; pair++) Assert.That(sums[(pair * k * k)..((pair + 1) * k * k)].Sum(), Is.EqualTo(whole[pair]));
            Assert.That(Enumerable.Range(0, k * k).Sum(t => Distance.TilePixels(h, w, k, t)), Is.EqualTo(h * w));
        }
    }

    [Test]
    public void One_changed_pixel_shows_in_its_tile_alone()
    {
        const int H = 5, W = 7, K = 3; // rows 0 | 1 2 | 3 4, columns 0 1 | 2 3 | 4 5 6
        byte[] image = new byte[H * W * 3], changed = new byte[H * W * 3];
        changed[((2 * W) + 4) * 3] = 10;
        changed[(((2 * W) + 4) * 3) + 2] = 20;
        var y = Arena.New([1, 1, K * K], DType.I64);
        Distance.SquaredTiles(Arena.From(image, [1, H, W, 3]), Arena.From(changed, [1, H, W, 3]), K, y);
        Assert.That(y.ToArray<long>(), Is.EqualTo(new long[] { 0, 0, 0, 0, 0, 500, 0, 0, 0 }));
    }

    [Test]
    public void The_tile_distance_is_the_largest_of_the_tiles()
    {
        // Tiles of a 3 x 2 image in a 2 x 2 grid have 1, 1, 2 and 2 pixels.
        long[] sums = [3 * 65025 / 4, 0, 3 * 65025, 0];
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Distance.NormalisedTiles(sums, 3, 2), Is.EqualTo(double.Sqrt(0.5)).Within(1e-15));
            Assert.That(Distance.NormalisedTiles([65025 * 3], 1, 1), Is.EqualTo(1.0));
        }
    }

    [Test]
    public void Refuses_what_does_not_fit()
    {
        var a = Images(2, 12, 1);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                () => Distance.Squared(a, Images(2, 13, 2), Arena.New([2, 2], DType.I64)),
                Throws.ArgumentException.With.Message.Contains("b is U8 [2,13]"));
            Assert.That(() => Distance.Squared(a, a, Arena.New([2, 3], DType.I64)), Throws.ArgumentException.With.Message.Contains("[2,2]"));
            Assert.That(() => Distance.Squared(a, a, Arena.New([2, 2], DType.I32)), Throws.ArgumentException.With.Message.Contains("I64"));
            Assert.That(
                () => Distance.Squared(Arena.Zeros([2, 12]), a, Arena.New([2, 2], DType.I64)),
                Throws.ArgumentException.With.Message.Contains("U8"));
            Assert.That(
                () => Distance.SquaredTiles(a.View(2, 2, 2, 3), a.View(2, 2, 2, 3), 3, Arena.New([2, 2, 9], DType.I64)),
                Throws.ArgumentException.With.Message.Contains("1 to 2 tiles"));
            Assert.That(
                () => Distance.SquaredTiles(a, a, 1, Arena.New([2, 2, 1], DType.I64)),
                Throws.ArgumentException.With.Message.Contains("[N,H,W,3]"));
            Assert.That(() => Distance.Normalised(1, 0), Throws.ArgumentException);
            Assert.That(() => Distance.NormalisedTiles(new long[3], 4, 4), Throws.ArgumentException.With.Message.Contains("square grid"));
        }
    }

    private Tensor Images(int count, int bytes, ulong stream)
    {
        var random = new PhiloxSequence(21, stream);
        return Arena.From([.. Enumerable.Range(0, count * bytes).Select(_ => (byte)random.Next(256))], [count, bytes]);
    }

    private long[] Squared(Tensor a, Tensor b)
    {
        using var arena = new Arena(Device);
        var y = arena.New([a.Shape[0], b.Shape[0]], DType.I64);
        Distance.Squared(a, b, y);
        return y.ToArray<long>();
    }
}
