using System.Runtime.InteropServices;
using CudaAttribution.Driver;

namespace CudaAttribution.Tensors.Ops;

/// <summary>
/// Exact distances between sets of 8-bit images: sums of squared differences in integers, the same on every device, in any batch and in any order;
/// kernel in <c>distance.cu</c>. Floating point enters once, in the final square root (docs/method.md "Distances").
/// </summary>
/// <remarks>All throw <see cref="ArgumentException"/> where a type, a shape or the device of an argument does not fit.</remarks>
public static partial class Distance
{
    private const int MaxTiles = 255; // 255 squared fits the second axis of a grid
    private const double Full = 255.0 * 255.0;

    /// <summary>y[n,m] = Σ (a[n] − b[m])² over the bytes of the two images.</summary>
    /// <param name="a">U8 <c>[N,...]</c>.</param>
    /// <param name="b">U8 <c>[M,...]</c>, images of the same shape.</param>
    /// <param name="destination">I64 <c>[N,M]</c>.</param>
    public static void Squared(Tensor a, Tensor b, Tensor destination)
    {
        const string Op = "distance_squared";
        int bytes = OpCheck.Int(Op, CheckImages(Op, a, b), "the size of an image");
        OpCheck.Argument(a.Device, Op, destination, new Shape(a.Shape[0], b.Shape[0]), DType.I64);
        Launch(a, b, destination, 1, bytes, 1, 1);
    }

    /// <summary>
    /// y[n,m,i·k+j] = Σ (a[n] − b[m])² over tile (i, j) of a k x k grid. Tile row i holds the pixel rows ⌊iH/k⌋ to ⌊(i+1)H/k⌋−1,
    /// columns likewise, so H and W need not be multiples of k: tiles then differ by at most one row or column (<see cref="TilePixels"/>).
    /// </summary>
    /// <param name="a">U8 <c>[N,H,W,3]</c>.</param>
    /// <param name="b">U8 <c>[M,H,W,3]</c>.</param>
    /// <param name="k">Tiles along each axis, 1 to min(H, W, 255).</param>
    /// <param name="destination">I64 <c>[N,M,k*k]</c>.</param>
    public static void SquaredTiles(Tensor a, Tensor b, int k, Tensor destination)
    {
        const string Op = "distance_squared_tiles";
        CheckImages(Op, a, b);
        OpCheck.That(a.Shape.Rank == 4 && a.Shape[3] == 3, Op, a, "[N,H,W,3]");
        int h = a.Shape[1], w = a.Shape[2];
        int most = int.Min(int.Min(h, w), MaxTiles);
        if (k < 1 || k > most)
        {
            throw new ArgumentException($"{Op}: k is {k}, images of {h} x {w} can be cut into 1 to {most} tiles along each axis", nameof(k));
        }
        OpCheck.Argument(a.Device, Op, destination, new Shape(a.Shape[0], b.Shape[0], k * k), DType.I64);
        Launch(a, b, destination, h, OpCheck.Int(Op, 3L * w, "the size of a line"), 3, k);
    }

    /// <summary>d = √(sum / (bytes · 255²)), in [0, 1]: the root mean square difference of pixel values in [0, 1].</summary>
    /// <param name="sum">A sum of <see cref="Squared"/> or of one tile.</param>
    /// <param name="bytes">The number of bytes it was taken over, H·W·3.</param>
    public static double Normalised(long sum, long bytes) => bytes > 0
        ? double.Sqrt(sum / (bytes * Full))
        : throw new ArgumentException($"a distance over {bytes} bytes has no value", nameof(bytes));

    /// <summary>The largest of the normalised distances of the k² tiles of one pair (d_tile, Carlini et al. 2023).</summary>
    /// <param name="sums">The pair's k² sums of <see cref="SquaredTiles"/>.</param>
    /// <param name="h">Height of the images.</param>
    /// <param name="w">Width of the images.</param>
    public static double NormalisedTiles(ReadOnlySpan<long> sums, int h, int w)
    {
        int k = (int)double.Round(double.Sqrt(sums.Length));
        if (k < 1 || k * k != sums.Length) throw new ArgumentException($"{sums.Length} sums are not those of a square grid of tiles", nameof(sums));
        double largest = 0;
        for (int t = 0; t < sums.Length; t++) largest = double.Max(largest, sums[t] / (3 * TilePixels(h, w, k, t) * Full));
        return double.Sqrt(largest);
    }

    /// <summary>Pixels of tile <paramref name="tile"/> = i·k+j.</summary>
    public static long TilePixels(int h, int w, int k, int tile) => (long)Part(h, k, tile / k) * Part(w, k, tile % k);

    private static int Part(int total, int parts, int i) => (int)((long)total * (i + 1) / parts - (long)total * i / parts);

    private static long CheckImages(string op, Tensor a, Tensor b)
    {
        OpCheck.Argument(a.Device, op, a, DType.U8);
        OpCheck.Argument(a.Device, op, b, DType.U8);
        OpCheck.That(a.Shape.Rank >= 2, op, a, "[N,...]");
        OpCheck.That(
            b.Shape.Rank == a.Shape.Rank && b.Shape.AsSpan()[1..].SequenceEqual(a.Shape.AsSpan()[1..]),
            op,
            b,
            $"[M,...] with images like those of a, {a.Shape}");
        long bytes = 1;
        foreach (int d in a.Shape.AsSpan()[1..]) bytes = checked(bytes * d);
        OpCheck.That(bytes > 0, op, a, "images of at least one byte");
        return bytes;
    }

    private static void Launch(Tensor a, Tensor b, Tensor destination, int lines, int lineBytes, int unit, int grid)
    {
        int n = a.Shape[0], m = b.Shape[0];
        long tiles = ((n + KernelConstants.PAIR_TILE - 1L) / KernelConstants.PAIR_TILE) * ((m + KernelConstants.PAIR_TILE - 1L) / KernelConstants.PAIR_TILE);
        a.Device.Launch("distance_u8", new Grid(checked((int)tiles), grid * grid), new DistanceParams
        {
            A = a.Pointer, B = b.Pointer, Y = destination.Pointer, N = n, M = m, Lines = lines, LineBytes = lineBytes, Unit = unit, Grid = grid,
        });
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct DistanceParams
    {
        public nint A, B, Y;
        public int N, M, Lines, LineBytes, Unit, Grid;
    }
}
