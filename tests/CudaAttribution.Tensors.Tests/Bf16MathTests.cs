using CudaAttribution.Driver;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tensors.Ops;
using CudaAttribution.Tensors.Verification;

namespace CudaAttribution.Tensors.Tests;

/// <summary>The engine <c>bf16</c>, on emulated tensor cores and on a GPU: every check of the op cases, and what these do not reach.</summary>
[TestFixture("simt")]
[TestFixture("cuda:0", Category = "Gpu")]
public sealed class Bf16MathTests(string device)
{
    public static IEnumerable<TestCaseData> Products => OpTests.Cases.Where(c => ((OpCase)c.Arguments[0]!).Inputs.Any(i => i.Operand));

    private ComputeDevice Device { get; set; } = null!;

    [SetUp]
    public void Open() => Device = device == "simt" ? TestDevices.Get(device, MathLibraries.Bf16) : TestDevices.GetGpu(MathLibraries.Bf16);

    [TestCaseSource(nameof(Products))]
    public void Passes_every_check(OpCase op)
    {
        using (Assert.EnterMultipleScope())
        {
            var results = OpChecks.All(Device, op).ToArray();
            Assert.That(results.Select(r => r.Check), Is.SupersetOf(new[] { "forward, unrounded", "gradient, unrounded", "batch invariance" }));
            foreach (var result in results) Assert.That(result.Passed, result.ToString());
        }
    }

    [TestCaseSource(nameof(Products))]
    public void Leaves_no_memory_in_use(OpCase op)
    {
        long before = Device.Pool.InUse;
        OpChecks.Repeat(Device, op);
        Assert.That(Device.Pool.InUse, Is.EqualTo(before));
    }

    [Test]
    public void Operands_really_are_rounded()
    {
        var op = Gemm.Cases.First();
        Assert.That(OpChecks.ForwardUnrounded(TestDevices.Get("cpu"), op).Error, Is.LessThan(Tolerance.ForwardF32));
        Assert.That(OpChecks.ForwardUnrounded(Device, op).Error, Is.GreaterThan(1e4 * Tolerance.ForwardF32));
    }

    /// <summary>A product with the identity shows what an operand is rounded to: every upper half of an F32, ties and their neighbours.</summary>
    [Test]
    public void Operands_are_rounded_to_the_nearest_bf16()
    {
        const int Side = 16;
        uint[] rests = [0x0000, 0x0001, 0x7fff, 0x8000, 0x8001, 0xffff];
        float[] values =
        [
            .. Enumerable.Range(0, 65536)
                .SelectMany(half => rests.Select(rest => BitConverter.UInt32BitsToSingle(((uint)half << 16) | rest)))
                .Where(v => float.IsFinite(v) && float.IsFinite(Nearest(v))),
        ];
        Array.Resize(ref values, (values.Length + Side - 1) / Side * Side);
        float[] identity = [.. Enumerable.Range(0, Side * Side).Select(i => i % (Side + 1) == 0 ? 1f : 0f)];
        using var arena = new Arena(Device);
        using var tape = new Tape(Device, record: false);
        var x = arena.From(values, new Shape(values.Length / Side, Side));
        float[] y = tape.Linear(x, arena.From(identity, new Shape(Side, Side)), null).ToArray<float>();
        Assert.That(y, Is.EqualTo(values.Select(Nearest)));
    }

    /// <summary>
    /// Tensor cores truncate as they add (so do the emulated ones), which in one long sum of positive products would cost a bit for every few
    /// hundred of them: 11,520 is the longest sum of Stable Diffusion's UNet.
    /// </summary>
    [Test]
    public void Error_does_not_grow_with_the_length_of_a_sum()
    {
        const int M = 3, N = 5, K = 11520;
        var random = new PhiloxSequence(seed: 6, 1);
        float[] Draw(int count) => [.. Enumerable.Range(0, count).Select(_ => Nearest(0.5f + (random.Next(4096) / 4096f)))];
        float[] a = Draw(M * K), b = Draw(N * K);
        using var arena = new Arena(Device);
        using var tape = new Tape(Device, record: false);
        float[] y = tape.Linear(arena.From(a, new Shape(M, K)), arena.From(b, new Shape(N, K)), null).ToArray<float>();
        double[] expected = new double[M * N];
        for (int i = 0; i < expected.Length; i++)
        {
            for (int k = 0; k < K; k++) expected[i] += (double)a[(i / N * K) + k] * b[(i % N * K) + k];
        }
        double error = Tolerance.Nmse(Array.ConvertAll(y, v => (double)v), expected);
        TestContext.Out.WriteLine($"NMSE {error:g3}");
        Assert.That(error, Is.LessThan(Tolerance.ForwardF32));
    }

    [Test]
    public void Infinity_and_nan_stay_in_their_rows()
    {
        const int Rows = 4, K = 40;
        float[] values = [.. Enumerable.Repeat(1f, Rows * K)];
        values[K + 7] = float.PositiveInfinity;
        values[(2 * K) + 39] = BitConverter.UInt32BitsToSingle(0x7f800001); // a NaN that lives in the lower half
        values[3 * K] = float.MaxValue; // rounds to infinity
        using var arena = new Arena(Device);
        using var tape = new Tape(Device, record: false);
        var ones = arena.From([.. Enumerable.Repeat(1f, K)], new Shape(1, K));
        float[] y = tape.Linear(arena.From(values, new Shape(Rows, K)), ones, null).ToArray<float>();
        Assert.That(y, Is.EqualTo(new[] { K, float.PositiveInfinity, float.NaN, float.PositiveInfinity }));
    }

    [Test]
    public void Cpu_is_refused_with_the_reason()
    {
        var error = Assert.Throws<NativeLibraryException>(() => ComputeDevice.Open("cpu", MathLibraries.Bf16).Dispose());
        Assert.That(error!.Message, Does.Contain("bf16").And.Contain("simt and cuda:N only, not on cpu").And.Contain("use kernels"));
    }

    /// <summary>By distance to the two BF16 that enclose the value; of two equally near ones that with an even last digit.</summary>
    private static float Nearest(float value)
    {
        uint down = BitConverter.SingleToUInt32Bits(value) >> 16;
        double Magnitude(uint half) => (half & 0x7fff) == 0x7f80 ? Math.Pow(2, 128) : Math.Abs((double)BitConverter.UInt32BitsToSingle(half << 16));
        double below = Math.Abs((double)value) - Magnitude(down), above = Magnitude(down + 1) - Math.Abs((double)value);
        bool stay = below == 0 || below < above || (below == above && down % 2 == 0);
        return BitConverter.UInt32BitsToSingle((stay ? down : down + 1) << 16);
    }
}
