using CudaAttribution.Answers;
using CudaAttribution.Remote;

namespace CudaAttribution.Cli.Serving;

/// <summary>What a caller wants drawn.</summary>
/// <param name="Prompt">The prompt.</param>
/// <param name="Count">Number of pictures.</param>
/// <param name="Seed">Seed of the first picture, each further one has the next; null where the server draws it.</param>
/// <param name="Noise">The exact noise, which replaces the seed; null where the caller is no cudattr.</param>
/// <param name="Sampling">Steps, guidance and negative prompt.</param>
internal sealed record DrawRequest(string Prompt, int Count, ulong? Seed, QueryNoise? Noise, SamplingRecipe Sampling)
{
    // Of 'cudattr sample': a seed gives the first picture of that command.
    private const string SampleSubject = "sample";

    /// <summary>The queries for a model, once the seed is drawn.</summary>
    /// <param name="identity">The model's identity: a local suspect's noise is named after it.</param>
    public IReadOnlyList<Query> Queries(string identity) => Noise is { } noise
        ? [new Query(Prompt, noise.For(identity))]
        : [.. Enumerable.Range(0, Count).Select(i => Sample(SeedOf(i)!.Value))];

    /// <summary>The seed of a picture; null where its noise has none.</summary>
    public ulong? SeedOf(int index) => Noise is null ? unchecked(Seed + (ulong)index) : null;

    /// <summary>What the caller chose of what makes the picture, in words; null where nothing, and the picture is one of many that could have come.</summary>
    public string? SetByCaller(ServedModel model)
    {
        string?[] chosen = [Noise is not null ? "noise" : Seed is not null ? "seed" : null, Sampling == model.Sampling ? null : "sampling"];
        return chosen.Any(c => c is not null) ? string.Join(' ', chosen.OfType<string>()) : null;
    }

    private Query Sample(ulong seed) => new NoiseStream(NoisePurpose.Testing, seed, SampleSubject).Ask(Prompt, 0);
}

/// <summary>What a server says about its model.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Size">Side of its pictures.</param>
/// <param name="Sampling">Steps, guidance and negative prompt where a caller names none.</param>
/// <param name="Identity">SHA-256 of its weights.</param>
internal sealed record ServedModel(string Name, int Size, SamplingRecipe Sampling, string Identity);

/// <summary>A request that cannot be met; the message is for the caller.</summary>
internal sealed class BadRequestException(string message, int status = 400) : Exception(message)
{
    public int Status => status;
}
