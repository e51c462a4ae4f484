using System.Runtime.InteropServices;

namespace CudaAttribution.Tensors.Ops;

public static partial class Elementwise
{
    /// <summary>ReLU: y = max(x, 0); NaN passes, and the slope at 0 is 0.</summary>
    public static Tensor Relu(this Tape tape, Tensor x) => Activation(tape, x, "relu", "relu_fwd_f32", "relu_bwd_f32");

    /// <summary>SiLU: y = x σ(x).</summary>
    public static Tensor Silu(this Tape tape, Tensor x) => Activation(tape, x, "silu", "silu_fwd_f32", "silu_bwd_f32");

    /// <summary>Exact GELU: y = x Φ(x) = x (1 + erf(x / √2)) / 2.</summary>
    public static Tensor Gelu(this Tape tape, Tensor x) => Activation(tape, x, "gelu", "gelu_fwd_f32", "gelu_bwd_f32");

    /// <summary>The GELU of CLIP ViT-L/14: y = x σ(1.702 x) (Hendrycks and Gimpel 2016).</summary>
    public static Tensor QuickGelu(this Tape tape, Tensor x) => Activation(tape, x, "quick_gelu", "quick_gelu_fwd_f32", "quick_gelu_bwd_f32");

    /// <summary>y = tanh(x).</summary>
    public static Tensor Tanh(this Tape tape, Tensor x) => Activation(tape, x, "tanh", "tanh_fwd_f32", "tanh_bwd_f32");

    /// <summary>y = min(max(x, low), high); NaN passes, and the gradient does where low ≤ x ≤ high.</summary>
    /// <param name="tape">Where it is recorded.</param>
    /// <param name="x">Any shape.</param>
    /// <param name="low">Smallest value.</param>
    /// <param name="high">Largest value, not below <paramref name="low"/>.</param>
    public static Tensor Clamp(this Tape tape, Tensor x, float low, float high)
    {
        const string Op = "clamp";
        OpCheck.Argument(tape.Device, Op, x);
        if (!(low <= high)) throw new ArgumentException($"{Op}: low is {low}, it must not be above high, {high}", nameof(low));
        var y = tape.New(x.Shape);
        var forward = new ClampParams { X = x.Pointer, Y = y.Pointer, N = x.Count, Low = low, High = high };
        tape.Device.Launch("clamp_fwd_f32", Tiles.Flat(x.Count), forward);
        return tape.Record(y, [x], dy =>
        {
            var (dx, accumulate) = tape.GradOf(x);
            tape.Device.Launch("clamp_bwd_f32", Tiles.Flat(x.Count), forward with { Dy = dy.Pointer, Y = dx.Pointer, Accumulate = accumulate ? 1 : 0 });
        });
    }

    /// <summary>GEGLU: with x = (a, g) along the last axis, y = a GELU(g), the exact GELU (Shazeer 2020).</summary>
    /// <param name="tape">Where it is recorded.</param>
    /// <param name="x"><c>[...,2C]</c>, a first.</param>
    /// <returns><c>[...,C]</c>.</returns>
    public static Tensor Geglu(this Tape tape, Tensor x)
    {
        const string Op = "geglu";
        OpCheck.Argument(tape.Device, Op, x);
        OpCheck.That(x.Shape.Rank >= 1 && x.Shape[^1] % 2 == 0, Op, x, "[...,2C]: of even last extent");
        int channels = x.Shape[^1] / 2, rows = Tiles.RowsPerBlock(channels);
        long total = x.Shape.Rows;
        var y = tape.New([.. x.Shape.AsSpan()[..^1], channels]);
        var grid = Tiles.Rows(y.Count == 0 ? 0 : total, rows);
        var forward = new GegluParams { X = x.Pointer, Y = y.Pointer, Rows = total, C = channels, RowsPerBlock = rows };
        tape.Device.Launch("geglu_fwd_f32", grid, forward);
        return tape.Record(y, [x], dy =>
        {
            var (dx, accumulate) = tape.GradOf(x);
            tape.Device.Launch("geglu_bwd_f32", grid, forward with { Dy = dy.Pointer, Y = dx.Pointer, Accumulate = accumulate ? 1 : 0 });
        });
    }

    private static Tensor Activation(Tape tape, Tensor x, string op, string forward, string backward)
    {
        OpCheck.Argument(tape.Device, op, x);
        var y = tape.New(x.Shape);
        tape.Device.Launch(forward, Tiles.Flat(x.Count), new ActivationParams { X = x.Pointer, Y = y.Pointer, N = x.Count });
        return tape.Record(y, [x], dy =>
        {
            var (dx, accumulate) = tape.GradOf(x);
            tape.Device.Launch(backward, Tiles.Flat(x.Count), new ActivationGradParams
            {
                X = x.Pointer, Dy = dy.Pointer, Dx = dx.Pointer, N = x.Count, Accumulate = accumulate ? 1 : 0,
            });
        });
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct ActivationParams
    {
        public nint X, Y;
        public long N;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct ActivationGradParams
    {
        public nint X, Dy, Dx;
        public long N;
        public int Accumulate;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct ClampParams
    {
        public nint X, Dy, Y;
        public long N;
        public float Low, High;
        public int Accumulate;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct GegluParams
    {
        public nint X, Dy, Y;
        public long Rows;
        public int C, RowsPerBlock, Accumulate;
    }
}
