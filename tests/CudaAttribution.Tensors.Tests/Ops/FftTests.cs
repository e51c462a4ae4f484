using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Tensors.Tests.Ops;

[TestFixture("cpu")]
[TestFixture("simt")]
public sealed class FftTests(string device) : ArenaFixture(device)
{
    [TestCase("fft8")]
    [TestCase("fft64")]
    public void Agrees_with_NumPy(string name)
    {
        using var tape = new Tape(Device, record: false);
        var x = OpGolden.Load(Arena, $"{name}.x");
        using (Assert.EnterMultipleScope())
        {
            OpGolden.Matches(tape.FftMagnitude2d(x), $"{name}.y");
            OpGolden.Matches(tape.FftMagnitude2d(x, logarithm: true), $"{name}.log");
            OpGolden.Matches(tape.FftMagnitude2d(x, shift: true), $"{name}.shifted");
        }
    }

    // Closed form: cos(2 pi (3 h + 5 w) / S) has S^2 / 2 at (3, 5) and at (S - 3, S - 5), and nothing elsewhere.
    [Test]
    public void A_wave_has_two_frequencies([Values(8, 16, 128, 256, 512)] int side)
    {
        using var tape = new Tape(Device, record: false);
        float[] wave = [.. Enumerable.Range(0, side * side).Select(i => (float)double.Cos(2 * double.Pi * ((3 * (i / side)) + (5 * (i % side))) / side))];
        float[] y = tape.FftMagnitude2d(Arena.From(wave, [1, side, side, 1])).ToArray<float>();
        float peak = side * side / 2f;
        var expected = new float[y.Length];
        expected[(3 * side) + 5] = expected[((side - 3) * side) + side - 5] = peak;
        Assert.That(y, Is.EqualTo(expected).Within(1e-6f * peak));
    }

    [Test]
    public void The_gradient_is_zero_where_the_magnitude_is()
    {
        using var tape = new Tape(Device, record: true);
        var x = Arena.Zeros([1, 8, 8, 1]);
        x.RequiresGrad = true;
        var y = tape.FftMagnitude2d(x);
        tape.Backward(y, Arena.From([.. Enumerable.Repeat(1f, 64)], y.Shape));
        Assert.That(x.Grad!.ToArray<float>(), Has.All.Zero);
    }

    [TestCase(4, 4)]
    [TestCase(12, 12)]
    [TestCase(16, 8)]
    [TestCase(1024, 1024)]
    public void Refuses_other_sides(int height, int width)
    {
        using var tape = new Tape(Device, record: false);
        Assert.That(
            () => tape.FftMagnitude2d(Arena.New([1, height, width, 1])),
            Throws.ArgumentException.With.Message.Contains($"[1,{height},{width},1]").And.Message.Contains("a power of two from 8 to 512"));
    }
}
