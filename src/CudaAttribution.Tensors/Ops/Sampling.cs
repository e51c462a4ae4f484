using System.Runtime.InteropServices;
using CudaAttribution.Driver;

namespace CudaAttribution.Tensors.Ops;

/// <summary>
/// What surrounds the network in diffusion training and sampling: noise, the forward process, the DDIM update with guidance, and pixels; kernels in
/// <c>sampling.cu</c>. Into given tensors, outside the tape, deterministic; every sample is treated alone.
/// </summary>
/// <remarks>All throw <see cref="ArgumentException"/> where a type, a shape or the device of an argument does not fit.</remarks>
public static partial class Sampling
{
    /// <summary>
    /// Standard normal numbers: element i of <paramref name="destination"/> is number offset + i of the stream, a function of (seed, stream,
    /// number) only, so however a batch is split its samples get the same noise. Block b of the stream's Philox words (x, y, z, w) gives
    /// numbers 4b to 4b+3 by Box and Muller's transform of (x, y) and (z, w): √(−2 ln u) (cos, sin)(2πv), where u and v are a word's upper
    /// 24 bits plus one, over 2²⁴.
    /// </summary>
    /// <param name="destination">F32, any shape.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="stream">What the numbers are for: <see cref="Philox.Stream"/>.</param>
    /// <param name="offset">Number of the stream that the first element gets; not negative.</param>
    public static void Normal(Tensor destination, ulong seed, ulong stream, long offset = 0) =>
        Fill("normal_f32", destination, DType.F32, seed, stream, offset);

    /// <summary>
    /// The words of a Philox stream as they are: element i is the bits of <see cref="Philox.Word"/>(offset + i). For checking a device's generator.
    /// </summary>
    /// <param name="destination">I32, any shape.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="offset">Word of the stream that the first element gets; not negative.</param>
    public static void Words(Tensor destination, ulong seed, ulong stream, long offset = 0) =>
        Fill("philox_words_i32", destination, DType.I32, seed, stream, offset);

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

    /// <summary>
    /// Images for files and pixel distances: y = round(255 clamp(x/2 + ½, 0, 1)), to nearest even. NaN has no pixel value and gives 0;
    /// whoever must not lose one calls <see cref="Elementwise.CountNonFinite"/> first.
    /// </summary>
    /// <param name="x">F32, nominally in [−1, 1].</param>
    /// <param name="destination">U8, shaped as <paramref name="x"/>.</param>
    public static void ToPixels(Tensor x, Tensor destination)
    {
        OpCheck.Argument(x.Device, "to_pixels", x);
        OpCheck.Argument(x.Device, "to_pixels", destination, x.Shape, DType.U8);
        x.Device.Launch("to_pixels_u8", Tiles.Flat(x.Count), new PixelParams { X = x.Pointer, Y = destination.Pointer, N = x.Count });
    }

    /// <summary>x = y / 127.5 − 1: pixels 0 .. 255 to [−1, 1]; <see cref="ToPixels"/> gives the same pixels back.</summary>
    /// <param name="pixels">U8.</param>
    /// <param name="destination">F32, shaped as <paramref name="pixels"/>.</param>
    public static void FromPixels(Tensor pixels, Tensor destination)
    {
        OpCheck.Argument(pixels.Device, "from_pixels", pixels, DType.U8);
        OpCheck.Argument(pixels.Device, "from_pixels", destination, pixels.Shape);
        pixels.Device.Launch("from_pixels_f32", Tiles.Flat(pixels.Count), new PixelParams
        {
            X = pixels.Pointer, Y = destination.Pointer, N = pixels.Count,
        });
    }

    private static void Fill(string kernel, Tensor destination, DType type, ulong seed, ulong stream, long offset)
    {
        var part = Part(kernel, destination, type, seed, stream, offset);
        destination.Device.Launch(kernel, Groups(part), part);
    }

    /// <summary>The part of a stream that fills a tensor.</summary>
    private static FillParams Part(string kernel, Tensor destination, DType type, ulong seed, ulong stream, long offset)
    {
        OpCheck.Argument(destination.Device, kernel, destination, type);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        return new FillParams
        {
            Y = destination.Pointer, N = destination.Count, Offset = offset,
            Stream0 = (uint)stream, Stream1 = (uint)(stream >> 32), Seed0 = (uint)seed, Seed1 = (uint)(seed >> 32),
        };
    }

    /// <summary>Blocks over the groups of four numbers that the part touches.</summary>
    private static Grid Groups(in FillParams part) =>
        part.N == 0 ? default : Tiles.Flat(4 * (((part.Offset + part.N - 1) / 4) - (part.Offset / 4) + 1));

    [StructLayout(LayoutKind.Sequential)]
    private struct FillParams
    {
        public nint Y;
        public long N, Offset;
        public uint Stream0, Stream1, Seed0, Seed1;
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

    [StructLayout(LayoutKind.Sequential)]
    private struct PixelParams
    {
        public nint X, Y;
        public long N;
    }
}
