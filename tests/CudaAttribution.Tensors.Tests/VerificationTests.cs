using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tensors.Verification;

namespace CudaAttribution.Tensors.Tests;

/// <summary>What the audit and the benchmark rest on: poisoned memory, hashes of bits, the device's clock, the launch profile.</summary>
public sealed class VerificationTests
{
    private static readonly OpCase Silu = OpCatalog.All.First(c => c.Op == "elementwise/silu" && c.Inputs[0].Shape.Count > 100 && !c.BenchOnly);
    private static readonly OpCase Linear = OpCatalog.All.First(c => c.Op == "gemm/linear" && c.Name == "tokens");

    private ComputeDevice _cpu = null!;

    [SetUp]
    public void Open() => _cpu = ComputeDevice.Open("cpu", guardBands: true);

    [TearDown]
    public void Close() => _cpu.Dispose();

    [Test]
    public void With_guard_bands_new_memory_is_NaN_also_where_it_is_used_again()
    {
        for (int i = 0; i < 2; i++)
        {
            using var arena = new Arena(_cpu);
            var x = arena.New([300]);
            Assert.That(x.ToArray<float>(), Is.All.NaN);
            x.Zero();
        }
    }

    [Test]
    public void A_hash_stands_for_all_bits_of_output_and_gradients()
    {
        using var simt = ComputeDevice.Open("simt", guardBands: true);
        var digest = OpDigest.Of(_cpu, Linear);
        Assert.That(OpDigest.Of(simt, Linear), Is.EqualTo(digest));
        Assert.That(digest.NonFinite, Is.Zero);
        Assert.That(OpDigest.Difference(_cpu, simt, Linear), Is.Empty);
        // The forward of this one is the same; only the gradient of the bias is lost.
        var withoutBiasGradient = Linear with { Inputs = [Linear.Inputs[0], Linear.Inputs[1], Linear.Inputs[2] with { Grad = false }] };
        Assert.That(OpDigest.Of(_cpu, withoutBiasGradient).Sha256, Is.Not.EqualTo(digest.Sha256));
        Assert.That(OpDigest.Of(_cpu, Linear with { Run = Linear.Mutants[0].Run }).Sha256, Is.Not.EqualTo(digest.Sha256));
    }

    [Test]
    public void Any_number_of_threads_gives_the_same_bits_also_to_several_callers_at_once()
    {
        OpCase[] cases =
        [
            Linear, Silu, .. new[] { "conv2d", "attention", "norm/group_norm" }.Select(
                op => OpCatalog.All.First(c => !c.BenchOnly && c.Op.StartsWith(op, StringComparison.Ordinal))),
        ];
        using var alone = ComputeDevice.Open("cpu", guardBands: true, threads: 1);
        Assert.That(alone.Driver.Info.Multiprocessors, Is.EqualTo(1));
        var expected = cases.Select(op => OpDigest.Of(alone, op)).ToArray();
        var wrong = new System.Collections.Concurrent.ConcurrentBag<string>();
        var callers = Enumerable.Range(0, 6).Select(n => new Thread(() => Compare(n % 2 == 0 ? "cpu" : "simt"))).ToList();
        callers.ForEach(caller => caller.Start());
        callers.ForEach(caller => caller.Join());
        Assert.That(wrong, Is.Empty);

        void Compare(string id)
        {
            using var device = ComputeDevice.Open(id, guardBands: true, threads: 3);
            for (int round = 0; round < 5; round++)
            {
                for (int i = 0; i < cases.Length; i++)
                {
                    if (OpDigest.Of(device, cases[i]) != expected[i]) wrong.Add($"{cases[i]} on {id}, round {round}");
                }
            }
        }
    }

    [Test]
    public void OneDnn_computes_on_as_many_threads_as_the_device()
    {
        foreach (int threads in (int[])[3, 1])
        {
            using var device = ComputeDevice.Open("cpu", "onednn", threads: threads);
            Assert.That(device.Math.Name, Does.EndWith($", threads: {threads}"));
            Assert.That(OpAgreement.Nmse(device, _cpu, Linear, out _), Is.InRange(0, 1e-12));
        }
    }

    [Test]
    public void What_no_kernel_wrote_is_counted()
    {
        var idle = Silu with { Run = (tape, x) => tape.New(x[0].Shape), Differentiable = false };
        Assert.That(OpDigest.Of(_cpu, idle).NonFinite, Is.EqualTo(Silu.Inputs[0].Shape.Count));
    }

    [Test]
    public void Large_inputs_have_the_same_bits_on_every_device()
    {
        using var simt = ComputeDevice.Open("simt");
        foreach (string op in new[] { "norm/layer_norm", "optim/ema", "distance/squared", "embedding" })
        {
            var large = OpCatalog.All.First(c => c.Op.StartsWith(op, StringComparison.Ordinal) && c.BenchOnly);
            // Its inputs are the output of a case that computes nothing.
            for (int i = 0; i < large.Inputs.Count; i++)
            {
                int input = i;
                var same = large with { Run = (_, x) => x[input], Differentiable = false };
                Assert.That(OpDigest.Of(simt, same).Sha256, Is.EqualTo(OpDigest.Of(_cpu, same).Sha256), $"{op}, {large.Inputs[i].Name}");
            }
        }
    }

    [Test]
    public void Engines_that_agree_are_close_and_others_are_not()
    {
        using var onednn = ComputeDevice.Open("cpu", "onednn");
        Assert.That(OpAgreement.Nmse(_cpu, _cpu, Linear, out _), Is.Zero);
        Assert.That(OpAgreement.Nmse(onednn, _cpu, Linear, out _), Is.InRange(0, 1e-12));
        using var bf16 = ComputeDevice.Open("simt", "bf16");
        Assert.That(OpAgreement.Nmse(bf16, _cpu, Linear, out string where), Is.InRange(1e-7, Tolerance.RoundingBF16));
        Assert.That(where, Is.AnyOf("output", "dx", "dw", "db"));
    }

    [Test]
    public void Statistics_are_those_of_the_sorted_times()
    {
        Assert.That(TimeStatistics.Of([5, 1, 4, 2, 3]), Is.EqualTo(new TimeStatistics(3, 1, 5, 5)));
        Assert.That(TimeStatistics.Of([10, 2, 4, 6, 8, 1, 3, 5, 7, 9]), Is.EqualTo(new TimeStatistics(5.5, 1, 9, 10)));
        Assert.That(TimeStatistics.Of([6, 2]).Each(2), Is.EqualTo(new TimeStatistics(2, 1, 3, 4)));
        Assert.That(() => TimeStatistics.Of([]), Throws.ArgumentException);
    }

    [TestCase(3, 200, 0, 3)]
    [TestCase(7, 7, 100, 7)]
    public void Repeats_keep_to_their_number(int least, int most, double seconds, int expected)
    {
        int issued = 0;
        var time = DeviceTimer.Repeat(_cpu, () => issued++, seconds, least, most);
        Assert.That(time.Count, Is.EqualTo(expected));
        Assert.That(issued, Is.EqualTo(expected + 1), "one repeat is not counted");
    }

    [Test]
    public void Times_are_those_between_the_repeats()
    {
        double[] times = DeviceTimer.Times(_cpu, () => Thread.Sleep(10), 3);
        Assert.That(times, Has.Length.EqualTo(3).And.All.GreaterThanOrEqualTo(9));
    }

    [TestCase("kernels", "graph")]
    [TestCase("onednn", "events")]
    public void An_op_is_timed_by_replays_where_its_engine_can_be_recorded(string math, string clock)
    {
        using var device = ComputeDevice.Open("cpu", math);
        var timing = OpBenchmark.Run(device, Linear, budgetSeconds: 0);
        Assert.That(timing.Clock, Is.EqualTo(clock));
        Assert.That(timing.Sets, Is.EqualTo(1), "a processor's cache is not reckoned with");
        Assert.That(timing.Repeats, Is.GreaterThanOrEqualTo(3));
        Assert.That(timing.Forward, Is.Positive.And.GreaterThanOrEqualTo(timing.ForwardFastest));
    }

    [Test]
    public void A_profile_counts_launches_by_kernel_and_their_time()
    {
        using var profile = new LaunchProfile();
        _cpu.Profile = profile;
        OpDigest.Of(_cpu, Linear);
        _cpu.Profile = null;
        OpDigest.Of(_cpu, Linear);
        var launches = profile.Kernels.ToDictionary(k => k.Kernel, k => k.Launches);
        Assert.That(launches["gemm_nn_f32"], Is.EqualTo(2), "y and dx");
        Assert.That(launches["gemm_tn_f32"], Is.EqualTo(1));
        Assert.That(profile.Kernels.Select(k => k.Time.Ticks), Is.Ordered.Descending.And.All.Positive);
        Assert.That(profile.Total, Is.EqualTo(profile.Kernels.Aggregate(TimeSpan.Zero, (sum, k) => sum + k.Time)));
    }
}
