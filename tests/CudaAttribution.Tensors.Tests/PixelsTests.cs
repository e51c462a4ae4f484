using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Tensors.Tests;

public sealed class PixelsTests(string device) : ArenaFixture(device)
{
    [Test]
    public void Pixels_survive_the_round_trip()
    {
        byte[] all = [.. Enumerable.Range(0, 256).Select(i => (byte)i)];
        var (floats, back) = (Arena.New([256]), Arena.New([256], DType.U8));
        PixelValues.FromPixels(Arena.From(all, [256]), floats);
        PixelValues.ToPixels(floats, back);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(back.ToArray<byte>(), Is.EqualTo(all));
            Assert.That(floats.ToArray<float>()[0], Is.EqualTo(-1f));
            Assert.That(floats.ToArray<float>()[255], Is.EqualTo(1f));
        }
    }

    [TestCase(-1f, 0)]
    [TestCase(1f, 255)]
    [TestCase(-7f, 0)]
    [TestCase(7f, 255)]
    [TestCase(float.NegativeInfinity, 0)]
    [TestCase(float.PositiveInfinity, 255)]
    [TestCase(float.NaN, 0)]
    [TestCase(0f, 128)] // 127.5 goes to the even neighbour
    [TestCase(-0.01f, 126)]
    public void Pixels_are_clamped_and_rounded(float value, byte expected)
    {
        var y = Arena.New([1], DType.U8);
        PixelValues.ToPixels(Arena.From([value], [1]), y);
        Assert.That(y.ToArray<byte>()[0], Is.EqualTo(expected));
    }
}
