using System.Runtime.InteropServices;

namespace CudaAttribution.Tensors.Ops;

/// <summary>Latents of an autoencoder; kernel in <c>latent.cu</c>. Into given tensors, outside the tape.</summary>
/// <remarks>All throw <see cref="ArgumentException"/> where a type, a shape or the device of an argument does not fit.</remarks>
public static class Latents
{
    /// <summary>The checked instances of the family.</summary>
    public static IEnumerable<OpCase> Cases => [Case(true, 3, 5, 8), Case(true, 1, 4100), Case(false, 2, 3, 6)];

    /// <summary>
    /// A latent from what the autoencoder's encoder gives (Rombach et al. 2022): y = factor · (μ + σ n), σ = exp(clamp(log σ², −30, 20) / 2).
    /// </summary>
    /// <param name="moments"><c>[...,2C]</c>: μ, then log σ².</param>
    /// <param name="noise">n, standard normal <c>[...,C]</c>; null for the mean.</param>
    /// <param name="factor">The autoencoder's scaling factor.</param>
    /// <param name="destination"><c>[...,C]</c>.</param>
    public static void Sample(Tensor moments, Tensor? noise, float factor, Tensor destination)
    {
        const string Op = "latent_sample";
        OpCheck.Argument(moments.Device, Op, moments);
        OpCheck.That(moments.Shape.Rank >= 1 && moments.Shape[^1] % 2 == 0, Op, moments, "[...,2C]: of even last extent");
        int channels = moments.Shape[^1] / 2;
        var shape = new Shape([.. moments.Shape.AsSpan()[..^1], channels]);
        if (noise is not null) OpCheck.Argument(moments.Device, Op, noise, shape);
        OpCheck.Argument(moments.Device, Op, destination, shape);
        moments.Device.Launch("latent_sample_f32", Tiles.Flat(destination.Count), new LatentSampleParams
        {
            Moments = moments.Pointer, Noise = noise?.Pointer ?? 0, Y = destination.Pointer, N = destination.Count, C = channels, Factor = factor,
        });
    }

    /// <summary>Log-variances with a deviation of 12 pass both ends of the clamp.</summary>
    private static OpCase Case(bool noisy, params int[] dims)
    {
        int c = dims[^1] / 2;
        int[] latent = [.. dims[..^1], c];
        var moments = new OpInput("moments", dims, OpFill.Normal(0f, 12f), Grad: false, Batched: true);
        var noise = new OpInput("noise", latent, OpFill.Normal(), Grad: false, Batched: true);
        return new OpCase(
            "latent/sample",
            $"{new Shape(dims)}{(noisy ? " noisy" : "")}",
            noisy ? [moments, noise] : [moments],
            (tape, x) => Run(tape, x, 0.18215f),
            x =>
            {
                var result = new double[x[0].Length / 2];
                for (int i = 0; i < result.Length; i++)
                {
                    int mean = i / c * 2 * c + i % c;
                    double deviation = double.Exp(double.Clamp(x[0][mean + c], -30, 20) / 2);
                    result[i] = 0.18215f * (x[0][mean] + (noisy ? deviation * x[1][i] : 0));
                }
                return result;
            })
        {
            Bytes = 12.0 * new Shape(dims).Count, Differentiable = false, BatchInvariant = true,
            Mutants = [("factor", (tape, x) => Run(tape, x, 1f))],
        };

        Tensor Run(Tape tape, Tensor[] x, float factor)
        {
            var y = tape.New(new Shape([x[0].Shape[0], .. latent[1..]]));
            Sample(x[0], noisy ? x[1] : null, factor, y);
            return y;
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct LatentSampleParams
    {
        public nint Moments, Noise, Y;
        public long N;
        public int C;
        public float Factor;
    }
}
