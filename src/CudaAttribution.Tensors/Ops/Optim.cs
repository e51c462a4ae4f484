using System.Runtime.InteropServices;
using CudaAttribution.Driver;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Tensors.Ops;

/// <summary>
/// Factors of one AdamW step (Loshchilov and Hutter 2019), computed in float64 and rounded once; see <see cref="AdamWOptions.At"/>.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct AdamWFactors(float Keep, float Step, float Weight1, float Beta2, float Weight2, float Root, float Epsilon);

/// <summary>
/// Steps of an optimiser over flat F32 tensors (<see cref="ParameterSet.Values"/> and its like); kernels in <c>optim.cu</c>. In place, outside the
/// tape, deterministic, and without waiting for the device.
/// </summary>
/// <remarks>All throw <see cref="ArgumentException"/> where a type, a shape or the device of an argument does not fit.</remarks>
public static partial class Optim
{
    /// <summary>Shape of the scratch tensor of <see cref="GradientNorm"/> for a gradient of <paramref name="count"/> elements.</summary>
    public static Shape NormScratch(long count) => new(Tiles.Flat(count).X, 2);

    /// <summary>
    /// result = (‖g‖, min(1, maxNorm / (‖g‖ + 1e-6))): the Euclidean norm over all elements and the factor that clips it, as PyTorch's
    /// clip_grad_norm_. NaN and infinity in the gradient come out in the norm.
    /// </summary>
    /// <param name="gradient">Any shape.</param>
    /// <param name="maxNorm">Positive.</param>
    /// <param name="scratch">F32 of shape <see cref="NormScratch"/>.</param>
    /// <param name="result">F32 <c>[2]</c>.</param>
    public static void GradientNorm(Tensor gradient, float maxNorm, Tensor scratch, Tensor result)
    {
        const string Op = "gradient_norm";
        var device = gradient.Device;
        OpCheck.Argument(device, Op, gradient);
        OpCheck.Argument(device, Op, scratch, NormScratch(gradient.Count));
        OpCheck.Argument(device, Op, result, new Shape(2));
        if (!(maxNorm > 0)) throw new ArgumentException($"{Op}: maxNorm is {maxNorm}, it must be positive", nameof(maxNorm));
        int blocks = scratch.Shape[0];
        device.Launch("grad_norm_partial_f32", new Grid(blocks), new GradNormPartialParams
        {
            G = gradient.Pointer, Partial = scratch.Pointer, N = gradient.Count,
        });
        device.Launch("grad_norm_f32", new Grid(1), new GradNormParams
        {
            Partial = scratch.Pointer, Result = result.Pointer, Blocks = blocks, MaxNorm = maxNorm,
        });
    }

    /// <summary>
    /// One AdamW step: g' = clip·g; m += (1−β₁)(g'−m); v = β₂v + (1−β₂)g'²;
    /// value = (1−λη)·value − η/(1−β₁ᵗ) · m / (√v/√(1−β₂ᵗ) + ε).
    /// </summary>
    /// <param name="value">Parameters, updated.</param>
    /// <param name="gradient">Their gradient.</param>
    /// <param name="m">First moment, updated.</param>
    /// <param name="v">Second moment, updated.</param>
    /// <param name="norm">Result of <see cref="GradientNorm"/>, whose clip factor is used; null: no clipping.</param>
    /// <param name="factors">From <see cref="AdamWOptions.At"/>.</param>
    public static void AdamWStep(Tensor value, Tensor gradient, Tensor m, Tensor v, Tensor? norm, in AdamWFactors factors)
    {
        const string Op = "adamw_step";
        var device = value.Device;
        OpCheck.Argument(device, Op, value);
        OpCheck.Argument(device, Op, gradient, value.Shape);
        OpCheck.Argument(device, Op, m, value.Shape);
        OpCheck.Argument(device, Op, v, value.Shape);
        if (norm is not null) OpCheck.Argument(device, Op, norm, new Shape(2));
        device.Launch("adamw_step_f32", Tiles.Flat(value.Count), new AdamWStepParams
        {
            Value = value.Pointer, Gradient = gradient.Pointer, M = m.Pointer, V = v.Pointer, Norm = norm?.Pointer ?? 0, N = value.Count,
            Factors = factors,
        });
    }

    /// <summary>Exponential moving average: average += (1 − decay)(value − average).</summary>
    /// <param name="average">Updated.</param>
    /// <param name="value">Of the same shape.</param>
    /// <param name="decay">In [0, 1].</param>
    public static void EmaStep(Tensor average, Tensor value, double decay)
    {
        const string Op = "ema_step";
        OpCheck.Argument(average.Device, Op, average);
        OpCheck.Argument(average.Device, Op, value, average.Shape);
        if (decay is not (>= 0 and <= 1)) throw new ArgumentException($"{Op}: decay is {decay}, it must lie in [0, 1]", nameof(decay));
        average.Device.Launch("ema_step_f32", Tiles.Flat(average.Count), new EmaStepParams
        {
            Average = average.Pointer, Value = value.Pointer, N = average.Count, Weight = (float)(1 - decay),
        });
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct GradNormPartialParams
    {
        public nint G, Partial;
        public long N;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct GradNormParams
    {
        public nint Partial, Result;
        public int Blocks;
        public float MaxNorm;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct AdamWStepParams
    {
        public nint Value, Gradient, M, V, Norm;
        public long N;
        public AdamWFactors Factors;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct EmaStepParams
    {
        public nint Average, Value;
        public long N;
        public float Weight;
    }
}
