using CudaAttribution.Models.Schedulers;
using CudaAttribution.Runs;

namespace CudaAttribution.Models.Diffusion;

/// <summary>How to sample.</summary>
public sealed record SampleOptions
{
    /// <summary>How the steps are made.</summary>
    public SolverKind Solver { get; init; } = SolverKind.Ddim;

    /// <summary>Steps: evaluations of the network for a picture.</summary>
    public int Steps { get; init; } = 25;

    /// <summary>
    /// w of classifier-free guidance o_u + w (o_c − o_u), o_u the output for the negative prompt; up to 1 there is none and the prompt's output is
    /// used alone.
    /// </summary>
    public double Guidance { get; init; } = 3;

    /// <summary>η: 0 is deterministic given the starting noise, 1 has DDPM's variance.</summary>
    public double Eta { get; init; }

    /// <summary>
    /// s of image to image, in (0, 1]: of the steps the last min(⌊s·steps⌋, steps) are taken, from √ᾱ·z_0 + √(1−ᾱ)·n at the first of them, z_0
    /// being the request's picture [diffusers' <c>StableDiffusionImg2ImgPipeline</c>]. Null starts from noise.
    /// </summary>
    public double? Strength { get; init; }

    /// <summary>
    /// Pictures computed together at most; with guidance the network sees twice as many. It decides speed and memory, not the result. Null is
    /// <see cref="DiffusionModel.DefaultBatch"/>.
    /// </summary>
    public int? MaxBatch { get; init; }

    /// <summary>
    /// Side in pixels of the tiles that the autoencoder works in, for little memory; null works on the whole. Tiles change the pictures: each sees
    /// only itself.
    /// </summary>
    public int? Tile { get; init; }

    /// <summary>What the pictures are for; pictures of another purpose get other noise from the same seed and index.</summary>
    public string Purpose { get; init; } = "query";

    /// <exception cref="UserException">A value makes no sense; the message names it.</exception>
    internal void Validate()
    {
        if (!double.IsFinite(Guidance)) throw new UserException($"the guidance is {Guidance}", "It must be a finite number.") { Setting = "guidance" };
        if (MaxBatch < 1) throw new UserException($"a batch has {MaxBatch} pictures", "It must have at least one.");
        ArgumentException.ThrowIfNullOrEmpty(Purpose);
    }
}

/// <summary>One picture to make. Its noise is a function of purpose, seed and index, whatever else is asked for.</summary>
/// <param name="Prompt">The prompt.</param>
/// <param name="Seed">The seed.</param>
/// <param name="Index">Number of the picture under this seed.</param>
public readonly record struct SampleRequest(string Prompt, ulong Seed, long Index)
{
    /// <summary>What guidance leads away from: the prompt of o_u. Empty as in training; any other needs guidance above 1.</summary>
    public string NegativePrompt { get; init; } = "";

    /// <summary>
    /// The picture to start from, <c>[H,W,3]</c> of the model's size; given exactly where the options have a strength. With an autoencoder z_0 is
    /// drawn from its posterior, as diffusers draws it, with noise of the request's own.
    /// </summary>
    public byte[]? InitialPicture { get; init; }

    /// <summary>
    /// Requests for <paramref name="perPrompt"/> pictures of each prompt, numbered from <paramref name="firstIndex"/>, prompt after prompt.
    /// </summary>
    public static SampleRequest[] For(IReadOnlyList<string> prompts, ulong seed, int perPrompt = 1, long firstIndex = 0) =>
        [.. Enumerable.Range(0, prompts.Count * perPrompt).Select(i => new SampleRequest(prompts[i / perPrompt], seed, firstIndex + i))];
}

/// <summary>Where a sampling run stands: pictures done and steps done on the current batch.</summary>
public readonly record struct SampleProgress(int Pictures, int OfPictures, int Step, int OfSteps);

/// <summary>A picture as the model made it.</summary>
/// <param name="Side">H and W.</param>
/// <param name="Values">Row-major <c>[H,W,3]</c>, nominally in [−1, 1], not clamped.</param>
/// <param name="Pixels">The same as bytes: round(255·clamp(x/2 + ½)).</param>
public sealed record SampledPicture(int Side, float[] Values, byte[] Pixels);
