using CudaAttribution.Driver;
using CudaAttribution.KernelReport.Bench;

namespace CudaAttribution.KernelReport.Tests;

public sealed class PredictionTests
{
    private const string Products = "FFMA R0, R1, R2, R0\nFFMA R0, R1, R2, R0\nFFMA R0, R1, R2, R0\nFFMA R0, R1, R2, R0";

    [Test]
    public void Arithmetic_is_stretched_by_the_busiest_multiprocessor()
    {
        var gpu = Gpu.H100;
        var kernel = Readings.Of("gemm_nn_f32", Products, gpu, blocks: 2);
        // Five instructions issue in 1.25 cycles for 4 x 32 multiply-adds: 102.4 of 128 lanes.
        double flops = 1e9, even = flops / 2 / 128 * 1.25 / 132 / 1.755e9;
        Assert.That(Predict(132).Seconds, Is.EqualTo(even).Within(1e-9 * even));
        Assert.That(Predict(133).Seconds, Is.EqualTo(even * 2 * 132 / 133).Within(1e-9 * even));
        Assert.That(Predict(33).Seconds, Is.EqualTo(even * 4).Within(1e-9 * even));
        Assert.That(Predict(528).Waves, Is.EqualTo(2));
        Assert.That(Predict(132).Floor, Is.EqualTo(flops / 59.3e12).Within(1e-3 * even));
        Assert.That(Predict(132).Limit, Is.EqualTo("issue"));

        Prediction Predict(int blocks) => Prediction.Of(new BenchLaunch("case", "gemm_nn_f32", new Grid(blocks), flops, 0), kernel, gpu);
    }

    [Test]
    public void Bytes_wait_for_the_memory_or_for_the_port_of_the_few_multiprocessors_that_have_a_block()
    {
        var gpu = Gpu.H100;
        var kernel = Readings.Of("add_f32", "LDG.E.128 R0, [R2.64]\nSTG.E.128 [R4.64], R0", gpu);
        var many = Prediction.Of(new BenchLaunch("case", "add_f32", new Grid(1320), 0, 3e9), kernel, gpu);
        Assert.That((many.Seconds, many.Limit, many.Lost), Is.EqualTo((1e-3, "memory", 0.0)));
        var few = Prediction.Of(new BenchLaunch("case", "add_f32", new Grid(2, 2), 0, 3e9), kernel, gpu);
        Assert.That(few.Seconds, Is.EqualTo(3e9 / 4 / 64 / 1.755e9).Within(1e-9));
        Assert.That(few.Limit, Is.EqualTo("L2"));
    }

    [Test]
    public void A_distance_counts_three_operations_a_byte()
    {
        var gpu = Gpu.H100;
        var kernel = Readings.Of("distance_u8", "LDS.U8 R0, [R1]\nIMAD R0, R1, R2, R0", gpu);
        var p = Prediction.Of(new BenchLaunch("case", "distance_u8", new Grid(132), 3e9, 0), kernel, gpu);
        // A billion pairs, 32 in an iteration of one wavefront.
        Assert.That(p.Seconds, Is.EqualTo(1e9 / 32 / 132 / 1.755e9).Within(1e-12));
    }

    [Test]
    public void The_benchmark_is_planned_with_the_tiles_of_a_gpu()
    {
        var launches = BenchPlan.All();
        var conv = launches.Where(l => l.Case == "conv2d SD 32x32, 640 to 640").ToDictionary(l => l.Kernel + l.Grid);
        Assert.That(conv["conv2d_fwd_f32(32, 10, 1)"].Flops, Is.EqualTo(2.0 * 2 * 32 * 32 * 640 * 640 * 9));
        Assert.That(conv.Values.Select(l => l.Kernel), Is.SupersetOf((string[])["conv2d_bwd_x_f32", "conv2d_bwd_w_f32", "bias_bwd_f32", "transpose_f32"]));
        // x, transposed weights, bias and y
        Assert.That(conv["conv2d_fwd_f32(32, 10, 1)"].Bytes, Is.EqualTo(4.0 * ((2 * 2048 * 640) + (640 * 9 * 640) + 640)));
        var attention = launches.Where(l => l.Case.Contains("SD self 64x64", StringComparison.Ordinal)).ToDictionary(l => l.Kernel);
        double forward = 2 * 4.0 * 4096 * 4096 * 320;
        Assert.That(attention["attention_d64_fwd_f32"].Flops, Is.EqualTo(forward));
        Assert.That(attention["attention_d64_bwd_kv_f32"].Flops, Is.EqualTo(2 * forward));
        Assert.That(attention["attention_delta_f32"].Flops, Is.Zero);
        var tensor = launches.Single(l => l is { Kernel: "gemm_nt_f32_bf16", Case: "gemm/linear SD 1024x640x5120, bf16" });
        Assert.That(tensor.Blocks, Is.EqualTo(16 * 80));
        Assert.That(launches.Where(l => l.Blocks < 1 || l.Bytes < 1), Is.Empty);
        var gather = launches.Last(l => l.Kernel == "embedding_bwd_f32");
        Assert.That(gather.Bytes, Is.LessThan(4e6), "two rows of 77 words, not the table of 49,408");
    }
}
