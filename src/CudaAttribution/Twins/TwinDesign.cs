using CudaAttribution.Answers;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Data.Datasets;
using CudaAttribution.Populations;
using CudaAttribution.Runs;

namespace CudaAttribution.Twins;

/// <summary>The model whose twins are made.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Identity">Its identity.</param>
/// <param name="Seed">The seed that it was trained with; null where that is not known.</param>
public sealed record TwinSource(string Name, string Identity, ulong? Seed);

/// <summary>
/// All that is settled before a twin is trained (docs/method.md "Source swap"). Twins differ from the source in nothing but the seed, which is what makes
/// them exchangeable with it.
/// </summary>
public sealed record TwinDesign
{
    /// <summary>What the owner states of a source that was not picked. A tool cannot know it.</summary>
    public const string NotPicked = "The owner states that the source was not picked out of several models for its behaviour.";

    private const int FewestDraws = 2;

    public required TwinSource Source { get; init; }

    /// <summary>Identity of G0.</summary>
    public required string BaseIdentity { get; init; }

    /// <summary>What source and twins are trained on.</summary>
    public required DataSpec Data { get; init; }

    /// <summary>Its content hash.</summary>
    public required string DataSha256 { get; init; }

    /// <summary>What happens to a damaged picture of it.</summary>
    public BadImagePolicy OnBadImage { get; init; }

    public required FineTuneRecipe Recipe { get; init; }

    /// <summary>Seeds of the twins.</summary>
    public required IReadOnlyList<ulong> Seeds { get; init; }

    /// <summary>What is drawn of every model.</summary>
    public required IReadOnlyList<string> Prompts { get; init; }

    /// <summary>Pictures of each prompt and model.</summary>
    public required int Draws { get; init; }

    /// <summary>Side of a picture.</summary>
    public required int Side { get; init; }

    /// <summary>Seed of the noise that they start from.</summary>
    public required ulong DrawingSeed { get; init; }

    public required SamplingRecipe Sampling { get; init; }

    /// <summary>What the owner says of how the source came to be the source.</summary>
    public required string Statement { get; init; }

    /// <summary>How the pictures of a model lie on its pages.</summary>
    internal SheetLayout Layout => new(Prompts.Count, Draws, Side);

    /// <exception cref="UserException">This is no design; the message says why.</exception>
    /// <param name="file">The file that it came from.</param>
    public void Validate(string? file = null)
    {
        if (Seeds.Count == 0) throw Wrong("there is no twin", "Ask for 19 for a first look, for 99 to reach p = 0.01.");
        if (Seeds.GroupBy(s => s).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw Wrong($"two twins have the seed {twice.Key}", "Give each its own seed.");
        if (Source.Seed is { } seed && Seeds.Contains(seed)) throw Wrong($"a twin has the source's own seed {seed}", "Take other seeds.");
        if (Prompts.Count == 0) throw Wrong("there is no prompt", "Give prompts.");
        if (Prompts.GroupBy(p => p, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } same)
            throw Wrong($"the prompt '{same.Key}' is there {same.Count()} times", "Give each prompt once.");
        if (Side < 1) throw Wrong($"the side of a picture is {Side}", "It must be positive.");
        if (Draws < FewestDraws || (long)Draws * Side > ImageCodecs.MostWebPSide)
            throw Wrong(
                $"{Draws} pictures of each prompt are asked for",
                $"Take {FewestDraws} to {ImageCodecs.MostWebPSide / Side}: with fewer, a model's own spread is not known.");
        if (string.IsNullOrWhiteSpace(Statement)) throw Wrong("the owner states nothing about how the source was chosen", "State it.");
        Recipe.Validate();

        UserException Wrong(string problem, string remedy) => new(problem, remedy, file);
    }
}
