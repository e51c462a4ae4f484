using System.Text.Json.Serialization;
using CudaAttribution.Models.Schedulers;

namespace CudaAttribution.Answers;

/// <summary>How pictures are made of a model; part of every experiment's description.</summary>
public sealed record SamplingRecipe
{
    /// <summary>How the steps are made.</summary>
    public SolverKind Solver { get; init; } = SolverKind.Ddim;

    /// <summary>Steps: evaluations of the network for a picture.</summary>
    public int Steps { get; init; } = 25;

    /// <summary>w of classifier-free guidance.</summary>
    public double Guidance { get; init; } = 3;

    /// <summary>What guidance leads away from; null, and in no file, where it is empty.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? NegativePrompt { get; init => field = string.IsNullOrEmpty(value) ? null : value; }

    /// <summary>Side in pixels of the tiles that the autoencoder works in; null, and in no file, where it works on the whole.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Tile { get; init; }

    /// <summary>The recipe in words.</summary>
    public override string ToString() =>
        FormattableString.Invariant($"{Steps} steps of {SamplerNames.WebUi(Solver)} and guidance {Guidance}")
        + (NegativePrompt is { } negative ? $" away from '{negative}'" : "") + (Tile is { } tile ? $", in tiles of {tile} pixels" : "");
}
