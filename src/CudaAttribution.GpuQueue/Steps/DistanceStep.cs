using System.Text.Json.Nodes;
using CudaAttribution.GpuQueue.Queue;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;
using CudaAttribution.Tensors.Verification;

namespace CudaAttribution.GpuQueue.Steps;

/// <summary>Exact pixel distances of 64 pictures from 4,096, all of 512 x 512, beside the time it takes to read each once.</summary>
internal sealed class DistanceStep : IStep
{
    public int Run(StepContext context)
    {
        using var device = context.Open();
        var (n, m, side) = context.Reduced ? (8, 64, 64) : (64, 4096, 512);
        using var arena = new Arena(device);
        var (a, b) = (Pictures(arena, n, side, 0), Pictures(arena, m, side, 1));
        var sums = arena.New([n, m], DType.I64);
        var time = DeviceTimer.Repeat(device, () => Distance.Squared(a, b, sums), Math.Min(10, context.Left), least: 3, most: 20);
        // A pair of random pictures differs by (256² − 1)/6 a byte on average; a kernel that did nothing is found out.
        double mean = sums.ToArray<long>().Average() / (3.0 * side * side), expected = ((256.0 * 256.0) - 1) / 6;
        bool right = Math.Abs(mean / expected - 1) < 0.01;
        var roofline = Roofline.Measure(device);
        double bytes = a.Bytes + (double)b.Bytes;
        StepContext.Emit(new JsonObject
        {
            ["what"] = "pixel distance", ["state"] = right ? "ok" : "failed", ["references"] = n, ["answers"] = m, ["side"] = side,
            ["median_ms"] = time.MedianMs, ["min_ms"] = time.MinMs, ["count"] = time.Count, ["floor_ms"] = bytes / roofline.CopyGigabytes * 1e-6,
            ["pairs_per_second"] = n * (double)m / time.MedianMs * 1e3, ["mean_square"] = mean,
        });
        return right ? StepCode.Done : StepCode.CheckFailed;
    }

    private static Tensor Pictures(Arena arena, int count, int side, ulong index)
    {
        // One picture at a time: a flat tensor of all of them would have more elements than an extent holds.
        var pictures = arena.New([count, side, side, 3], DType.U8);
        var words = arena.New([3 * side * side / sizeof(int)], DType.I32);
        for (int i = 0; i < count; i++)
        {
            RandomNumbers.Words(words, seed: 26, Philox.Stream("pictures", index), (long)i * words.Count);
            arena.Device.Driver.CopyOnDevice(pictures.Rows(i, 1).Pointer, words.Pointer, words.Bytes, arena.Device.Stream);
        }
        return pictures;
    }
}
