using System.Numerics;
using System.Runtime.InteropServices;
using CudaAttribution.Driver;

namespace CudaAttribution.Tensors.Ops;

/// <summary>Fourier spectra of pictures, NHWC, F32; kernels in <c>fft.cu</c>. Each channel of each sample is transformed alone.</summary>
public static class Fft
{
    /// <summary>Smallest and largest side of a picture.</summary>
    private const int MinSide = 8;

    /// <summary>
    /// y = |X| or log(1 + |X|) of the two-dimensional transform X[u,v] = Σ x[h,w] exp(−2πi (u h + v w) / S), all S² frequencies, not divided by anything
    /// (<c>numpy.fft.fft2</c>). The gradient at |X| = 0, where there is none, is taken as zero.
    /// </summary>
    /// <param name="tape">Where it is recorded.</param>
    /// <param name="x"><c>[N,S,S,C]</c>, S a power of two from 8 to 512.</param>
    /// <param name="logarithm">Whether the logarithm is taken.</param>
    /// <param name="shift">Whether frequency zero stands at [S/2, S/2] instead of [0, 0] (<c>numpy.fft.fftshift</c>).</param>
    /// <returns><c>[N,S,S,C]</c>.</returns>
    /// <exception cref="ArgumentException">The type, the shape or the device of <paramref name="x"/> does not fit.</exception>
    public static Tensor FftMagnitude2d(this Tape tape, Tensor x, bool logarithm = false, bool shift = false)
    {
        const string Op = "fft_magnitude";
        var device = tape.Device;
        OpCheck.Argument(device, Op, x);
        bool square = x.Shape.Rank == 4 && x.Shape[1] == x.Shape[2] && x.Count > 0;
        OpCheck.That(
            square && x.Shape[1] is >= MinSide and <= KernelConstants.FFT_MAX_SIDE && int.IsPow2(x.Shape[1]), Op, x, $"[N,S,S,C], S a power of two from {MinSide} to {KernelConstants.FFT_MAX_SIDE}");
        int side = x.Shape[1], channels = x.Shape[3];
        var (re, im, y) = (tape.New(x.Shape), tape.New(x.Shape), tape.New(x.Shape));
        Pass(device, x.Pointer, 0, re.Pointer, im.Pointer, x.Shape, axis: 2);
        Pass(device, re.Pointer, im.Pointer, re.Pointer, im.Pointer, x.Shape, axis: 1);
        int rows = Tiles.RowsPerBlock(channels);
        var parameters = new MagnitudeParams
        {
            Re = re.Pointer, Im = im.Pointer, Y = y.Pointer, Pixels = x.Shape.Rows, C = channels, Moved = shift ? (side / 2 * side) + (side / 2) : 0,
            Logarithm = logarithm ? 1 : 0, RowsPerBlock = rows,
        };
        device.Launch("fft_magnitude_fwd_f32", Tiles.Rows(x.Shape.Rows, rows), parameters);
        tape.Discard(re);
        tape.Discard(im);
        return tape.Record(y, [x], dy =>
        {
            device.Launch("fft_magnitude_bwd_f32", Tiles.Rows(x.Shape.Rows, rows), parameters with { Y = dy.Pointer });
            // The transform is linear and symmetric: its adjoint is the transform with the sign of the exponent turned.
            Pass(device, re.Pointer, im.Pointer, re.Pointer, im.Pointer, x.Shape, axis: 1, inverse: true);
            var (dx, accumulate) = tape.GradOf(x);
            Pass(device, re.Pointer, im.Pointer, dx.Pointer, 0, x.Shape, axis: 2, inverse: true, accumulate);
            re.Release();
            im.Release();
        });
    }

    private static void Pass(
        ComputeDevice device, nint re, nint im, nint outRe, nint outIm, Shape shape, int axis, bool inverse = false, bool accumulate = false)
    {
        int size = shape[axis], inner = axis == 1 ? shape[2] * shape[3] : shape[3];
        long lines = shape.Count / size;
        device.Launch("fft_pass_f32", new Grid(checked((int)((lines + KernelConstants.FFT_LINES - 1) / KernelConstants.FFT_LINES))), new PassParams
        {
            Re = re, Im = im, OutRe = outRe, OutIm = outIm, Lines = lines, Inner = inner, LogSize = BitOperations.Log2((uint)size),
            Inverse = inverse ? 1 : 0, Accumulate = accumulate ? 1 : 0,
        });
    }

    /// <summary>The checked instances of the family.</summary>
    public static IEnumerable<OpCase> Cases =>
    [
        Case([2, 8, 8, 3], false, false), Case([1, 16, 16, 1], false, true), Case([3, 8, 8, 1], true, true), Case([1, 32, 32, 2], true, false),
        Case([16, 256, 256, 3], true, true) with { BenchOnly = true },
    ];

    private static OpCase Case(int[] dims, bool logarithm, bool shift)
    {
        var shape = new Shape(dims);
        return new OpCase(
            "fft/magnitude",
            $"{shape}{(logarithm ? " logarithm" : "")}{(shift ? " shifted" : "")}",
            [new OpInput("x", shape, OpFill.Normal(0.5f), Batched: true)],
            (tape, x) => tape.FftMagnitude2d(x[0], logarithm, shift),
            x => Reference(dims, x[0], logarithm, shift))
        {
            Bytes = 8.0 * shape.Count,
            BatchInvariant = true,
            Mutants =
            [
                ("logarithm", (tape, x) => tape.FftMagnitude2d(x[0], !logarithm, shift)),
                ("shift", (tape, x) => tape.FftMagnitude2d(x[0], logarithm, !shift)),
            ],
        };
    }

    /// <summary>The defining sum, along one axis and then along the other.</summary>
    private static double[] Reference(int[] dims, double[] x, bool logarithm, bool shift)
    {
        int side = dims[1], channels = dims[3], half = shift ? side / 2 : 0;
        Complex[] roots = [.. Enumerable.Range(0, side).Select(k => Complex.FromPolarCoordinates(1, -2 * double.Pi * k / side))];
        var values = Transform(Transform(Array.ConvertAll(x, v => (Complex)v), channels), side * channels);
        var y = new double[x.Length];
        for (int i = 0; i < x.Length; i++)
        {
            int c = i % channels, w = i / channels % side, h = i / channels / side % side, n = i / channels / side / side;
            int to = (((((n * side) + ((h + half) % side)) * side) + ((w + half) % side)) * channels) + c;
            y[to] = logarithm ? double.Log(1 + values[i].Magnitude) : values[i].Magnitude;
        }
        return y;

        Complex[] Transform(Complex[] from, int stride)
        {
            var to = new Complex[from.Length];
            for (int i = 0; i < to.Length; i++)
            {
                int k = i / stride % side, first = i - (k * stride);
                for (int j = 0; j < side; j++) to[i] += from[first + (j * stride)] * roots[j * k % side];
            }
            return to;
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct PassParams
    {
        public nint Re, Im, OutRe, OutIm;
        public long Lines;
        public int Inner, LogSize, Inverse, Accumulate;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct MagnitudeParams
    {
        public nint Re, Im, Y;
        public long Pixels;
        public int C, Moved, Logarithm, RowsPerBlock;
    }
}
