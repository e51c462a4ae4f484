using System.Text.Json.Serialization;
using CudaAttribution.Data.Datasets;
using CudaAttribution.Data.Packs;
using CudaAttribution.Runs;

namespace CudaAttribution.Populations;

/// <summary>
/// Which pictures of which data set: a stretch of the set in a fixed random order, so that two stretches that do not overlap share no picture.
/// </summary>
public sealed record DataSpec
{
    private const string EmojiPrefix = "emoji:";

    /// <summary><c>emoji:VENDOR</c> for the embedded sets, otherwise the path of a folder or pack.</summary>
    public required string Set { get; init; }

    /// <summary>Seed of the order; null is the set's own order.</summary>
    public ulong? Shuffle { get; init; }

    /// <summary>First picture.</summary>
    public int Start { get; init; }

    /// <summary>Number of pictures; null is all that are left.</summary>
    public int? Count { get; init; }

    /// <summary>Whether the set is one of the program's own, not of the file system.</summary>
    [JsonIgnore]
    public bool IsEmbedded => Set.StartsWith(EmojiPrefix, StringComparison.Ordinal);

    /// <summary>Loads the pictures.</summary>
    /// <param name="size">Side of the squares they become.</param>
    /// <param name="relativeTo">Folder that a relative path starts from; null is the current one.</param>
    /// <param name="onBadImage">What happens to a damaged picture.</param>
    /// <exception cref="UserException">The set has fewer pictures than the stretch asks for.</exception>
    /// <exception cref="DatasetException">The set cannot be loaded.</exception>
    public CaptionedDataset Load(int size, string? relativeTo = null, BadImagePolicy onBadImage = BadImagePolicy.Fail)
    {
        var all = IsEmbedded
            ? EmojiPack.Load(Set[EmojiPrefix.Length..], size)
            : CaptionedDataset.Load(Path.Combine(relativeTo ?? "", Set), new LoadOptions { Size = size, OnBadImage = onBadImage });
        if (Start < 0 || Start >= all.Count || Count < 1 || Start + (long)(Count ?? 1) > all.Count)
            throw new UserException(
                $"pictures {Start} to {Start + (Count ?? 1)} are wanted of a set of {all.Count}", "Ask for pictures that the set has.", Set);
        return (Shuffle is { } seed ? all.Shuffle(seed) : all).Slice(Start, Count ?? all.Count - Start);
    }

    /// <summary>The specification in one line.</summary>
    [JsonIgnore]
    public string Description =>
        $"{Set}{(Shuffle is { } s ? $" shuffled by {s}" : "")}, {(Count is { } n ? $"{n} pictures" : "all pictures")} from {Start}";
}
