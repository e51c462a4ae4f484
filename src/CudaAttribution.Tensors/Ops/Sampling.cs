using System.Runtime.InteropServices;

namespace CudaAttribution.Tensors.Ops;

/// <summary>
/// What surrounds the network in diffusion: the forward process of training, and the DDIM update with guidance; kernels in <c>sampling.cu</c>. Into
/// given tensors, outside the tape, deterministic; every sample is treated alone.
/// </summary>
/// <remarks>All throw <see cref="ArgumentException"/> where a type, a shape or the device of an argument does not fit.</remarks>
public static partial class Sampling
{
    /// <summary>
    /// The forward process (Ho et al. 2020, equation 4): noisy[n] = signal[t_n] x0[n] + sigma[t_n] noise[n], and the target of a v-model,
    /// velocity[n] = signal[t_n] noise[n] − sigma[t_n] x0[n]. The target of an ε-model is the noise itself.
    /// </summary>
    /// <remarks>A timestep outside the tables gives NaN.</remarks>
    /// <param name="x0"><c>[N,...]</c>.</param>
    /// <param name="noise">Standard normal, shaped as <paramref name="x0"/>.</param>
    /// <param name="t">I32 <c>[N]</c>.</param>
    /// <param name="signal">√ᾱ of every timestep, <c>[T]</c>.</param>
    /// <param name="sigma">√(1 − ᾱ) of every timestep, <c>[T]</c>.</param>
    /// <param name="noisy">Result, shaped as <paramref name="x0"/>.</param>
    /// <param name="velocity">Result for a v-model, shaped as <paramref name="x0"/>; null for an ε-model.</param>
    public static void QSample(Tensor x0, Tensor noise, Tensor t, Tensor signal, Tensor sigma, Tensor noisy, Tensor? velocity = null)
    {
        const string Op = "q_sample";
        var device = x0.Device;
        OpCheck.Argument(device, Op, x0);
        OpCheck.That(x0.Shape.Rank >= 1, Op, x0, "[N,...]");
        OpCheck.Argument(device, Op, noise, x0.Shape);
        OpCheck.Argument(device, Op, t, new Shape(x0.Shape[0]), DType.I32);
        OpCheck.Argument(device, Op, signal);
        OpCheck.That(signal.Shape.Rank == 1, Op, signal, "[T]");
        OpCheck.Argument(device, Op, sigma, signal.Shape);
        OpCheck.Argument(device, Op, noisy, x0.Shape);
        if (velocity is not null) OpCheck.Argument(device, Op, velocity, x0.Shape);
        long sample = x0.Count / int.Max(1, x0.Shape[0]);
        device.Launch("q_sample_f32", Tiles.Flat(sample, x0.Shape[0]), new QSampleParams
        {
            X0 = x0.Pointer, Noise = noise.Pointer, T = t.Pointer, Signal = signal.Pointer, Sigma = sigma.Pointer, Noisy = noisy.Pointer,
            Velocity = velocity?.Pointer ?? 0, Sample = sample, Steps = signal.Shape[0],
        });
    }

    /// <summary>
    /// One DDIM update (Song et al. 2021, equation 12) with guidance: o = o_u + w (o_c − o_u), then x_p = sample·x_t + output·o + sigma·n. Both
    /// ε- and v-models have this form; the scheduler computes the three factors from its pair (t, t_prev) in float64.
    /// </summary>
    /// <param name="x">x_t, any shape.</param>
    /// <param name="conditional">o_c, the network's output for the prompt, shaped as <paramref name="x"/>.</param>
    /// <param name="unconditional">o_u, its output for the empty prompt; null without guidance.</param>
    /// <param name="guidance">w; must be 1 where <paramref name="unconditional"/> is null.</param>
    /// <param name="sample">Factor of x_t.</param>
    /// <param name="output">Factor of o.</param>
    /// <param name="sigma">Factor of the noise; 0 where <paramref name="noise"/> is null.</param>
    /// <param name="noise">n, fresh standard normal numbers; null for a deterministic step.</param>
    /// <param name="destination">x_p, shaped as <paramref name="x"/>; may be <paramref name="x"/> itself.</param>
    public static void DdimStep(
        Tensor x,
        Tensor conditional,
        Tensor? unconditional,
        float guidance,
        float sample,
        float output,
        float sigma,
        Tensor? noise,
        Tensor destination)
    {
        const string Op = "ddim_step";
        var device = x.Device;
        OpCheck.Argument(device, Op, x);
        OpCheck.Argument(device, Op, conditional, x.Shape);
        if (unconditional is not null) OpCheck.Argument(device, Op, unconditional, x.Shape);
        else if (guidance != 1)
        {
            throw new ArgumentException(
                $"{Op}: guidance {guidance} needs the output for the empty prompt; without it, it must be 1", nameof(guidance));
        }
        if (noise is not null) OpCheck.Argument(device, Op, noise, x.Shape);
        if (noise is null != (sigma == 0))
        {
            throw new ArgumentException(
                $"{Op}: sigma is {sigma} {(noise is null ? "without" : "with")} noise; noise is given exactly where sigma is not 0", nameof(sigma));
        }
        OpCheck.Argument(device, Op, destination, x.Shape);
        device.Launch("ddim_step_f32", Tiles.Flat(x.Count), new DdimStepParams
        {
            X = x.Pointer, Conditional = conditional.Pointer, Unconditional = unconditional?.Pointer ?? 0, Noise = noise?.Pointer ?? 0,
            Y = destination.Pointer, N = x.Count, Guidance = guidance, Sample = sample, Output = output, Sigma = sigma,
        });
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct QSampleParams
    {
        public nint X0, Noise, T, Signal, Sigma, Noisy, Velocity;
        public long Sample;
        public int Steps;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct DdimStepParams
    {
        public nint X, Conditional, Unconditional, Noise, Y;
        public long N;
        public float Guidance, Sample, Output, Sigma;
    }
}
