using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Tensors.Tests;

/// <summary>The order in which the rows of a bias gradient are summed, which fixes its bits.</summary>
public sealed class BiasGradientTests(string device) : ArenaFixture(device)
{
    private const int ChunkRows = 1024, Lanes = 32;

    [TestCase(1, 5)]
    [TestCase(31, 64)]
    [TestCase(257, 65)]
    [TestCase(1024, 130)]
    [TestCase(2100, 70)]
    public void Rows_are_summed_in_lanes(int rows, int outputs)
    {
        var random = new PhiloxSequence(seed: 3, 7);
        float[] dy = [.. Enumerable.Range(0, rows * outputs).Select(_ => (random.Next(1 << 20) / 65536f) - 8f)];
        using var tape = new Tape(Device, record: true);
        var bias = Arena.Zeros([outputs]);
        bias.RequiresGrad = true;
        var y = tape.Linear(Arena.Zeros([rows, 1]), Arena.Zeros([outputs, 1]), bias);
        tape.Backward(y, Arena.From(dy, [rows, outputs]));
        float[] expected = [.. Enumerable.Range(0, outputs).Select(o => Sum(dy, rows, outputs, o))];
        Assert.That(bias.Grad!.ToArray<float>().Select(BitConverter.SingleToInt32Bits), Is.EqualTo(expected.Select(BitConverter.SingleToInt32Bits)));
    }

    /// <summary>Chunks in ascending order; in a chunk, lane l takes rows l, l + 32, ..., and the upper half of the lanes is added to the lower.</summary>
    private static float Sum(float[] dy, int rows, int outputs, int o)
    {
        float? total = null;
        for (int begin = 0; begin < rows; begin += ChunkRows)
        {
            var lane = new float[Lanes];
            for (int r = begin; r < int.Min(rows, begin + ChunkRows); r++) lane[(r - begin) % Lanes] += dy[(r * outputs) + o];
            for (int half = Lanes / 2; half > 0; half /= 2)
            {
                for (int l = 0; l < half; l++) lane[l] += lane[l + half];
            }
            total = total is { } sum ? sum + lane[0] : lane[0];
        }
        return total!.Value;
    }
}
