using CudaAttribution.Images;
using CudaAttribution.Runs;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Measures;

/// <summary>
/// What the pixel metrics share: pictures to the device, grouped by the references' size, answers resized to it. Any number of pictures: they are
/// compared in blocks, each picture brought to the device by itself, so that memory is bounded; a pair's distance depends on no other.
/// </summary>
public abstract class DeviceDistance(ComputeDevice device) : IPictureMeasure
{
    /// <summary>Most references, and most answers, of a block: it bounds the sums, of which a pair has several.</summary>
    private const int BlockPictures = 1024;

    /// <summary>Device memory for the references of a block, and as much for its answers; a block holds one picture at least.</summary>
    internal long BlockBytes { get; init; } = 256L << 20;

    public abstract string Name { get; }

    public abstract double DefaultThreshold { get; }

    public double Maximum => 1;

    /// <summary>The pictures as they are: they go to the device in blocks that fit it.</summary>
    public PreparedPictures Prepare(IReadOnlyList<RgbImage> pictures) => new(pictures);

    public double[,] Matrix(PreparedPictures references, PreparedPictures answers) => Matrix(references.Pictures, answers.Pictures);

    private double[,] Matrix(IReadOnlyList<RgbImage> references, IReadOnlyList<RgbImage> answers)
    {
        var result = new double[references.Count, answers.Count];
        if (result.Length == 0) return result;
        foreach (var group in references.Select((image, index) => (image, index)).GroupBy(r => (r.image.Width, r.image.Height)))
        {
            var (width, height) = group.Key;
            var rows = group.ToArray();
            int side = (int)Math.Clamp(BlockBytes / (3L * width * height), 1, BlockPictures);
            // Answers outside: each is resized once, which takes longer than to bring a reference to the device again.
            for (int j = 0; j < answers.Count; j += side)
            {
                using var answerArena = new Arena(device);
                int count = Math.Min(side, answers.Count - j), first = j;
                var b = Upload(answerArena, count, k => answers[first + k].Resize(width, height), width, height);
                for (int i = 0; i < rows.Length; i += side)
                {
                    using var arena = new Arena(device);
                    var block = rows.AsMemory(i, Math.Min(side, rows.Length - i));
                    var a = Upload(arena, block.Length, k => block.Span[k].image, width, height);
                    var distances = Compute(arena, a, b, width, height);
                    for (int k = 0; k < distances.Length; k++) result[block.Span[k / count].index, j + (k % count)] = distances[k];
                }
            }
        }
        return result;
    }

    /// <summary>Distances [N,M] of U8 pictures <c>[N,H,W,3]</c> and <c>[M,H,W,3]</c>, row-major.</summary>
    protected abstract double[] Compute(Arena arena, Tensor a, Tensor b, int width, int height);

    private static Tensor Upload(Arena arena, int count, Func<int, RgbImage> picture, int width, int height)
    {
        var pictures = arena.New(new Shape(count, height, width, 3), DType.U8);
        for (int i = 0; i < count; i++) pictures.Rows(i, 1).CopyFrom<byte>(picture(i).Pixels);
        return pictures;
    }
}

/// <summary>d_px: root mean square difference of all pixel values in [0, 1]. Integer sums, so the same bits on every device.</summary>
public sealed class PixelDistance(ComputeDevice device) : DeviceDistance(device)
{
    public const string MetricName = "px";

    public override string Name => MetricName;

    public override double DefaultThreshold => 0.15;

    protected override double[] Compute(Arena arena, Tensor a, Tensor b, int width, int height)
    {
        var sums = arena.New(new Shape(a.Shape[0], b.Shape[0]), DType.I64);
        Distance.Squared(a, b, sums);
        return [.. sums.ToArray<long>().Select(s => Distance.Normalised(s, 3L * width * height))];
    }
}

/// <summary>d_tile: the largest d_px over a 4 x 4 grid of tiles (Carlini et al. 2023), so that a common ground does not hide another motif.</summary>
public sealed class TileDistance(ComputeDevice device) : DeviceDistance(device)
{
    public const string MetricName = "tile";

    /// <summary>k: tiles along each axis.</summary>
    private const int Grid = 4;

    public override string Name => MetricName;

    public override double DefaultThreshold => 0.15;

    protected override double[] Compute(Arena arena, Tensor a, Tensor b, int width, int height)
    {
        if (Math.Min(width, height) < Grid)
            throw new UserException(
                $"a picture of {width} x {height} pixels cannot be cut into {Grid} x {Grid} tiles", "Use the metric px for pictures this small.");
        var sums = arena.New(new Shape(a.Shape[0], b.Shape[0], Grid * Grid), DType.I64);
        Distance.SquaredTiles(a, b, Grid, sums);
        long[] tiles = sums.ToArray<long>();
        var distances = new double[tiles.Length / (Grid * Grid)];
        for (int i = 0; i < distances.Length; i++)
            distances[i] = Distance.NormalisedTiles(tiles.AsSpan(i * Grid * Grid, Grid * Grid), height, width);
        return distances;
    }
}
