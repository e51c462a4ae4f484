using CudaAttribution.Data.Datasets.Layouts;

namespace CudaAttribution.Data.Datasets;

/// <summary>A picture that was left out under <see cref="BadImagePolicy.Skip"/>.</summary>
/// <param name="Id">The id of its caption.</param>
/// <param name="File">The picture's file, or the file of captions where there is none.</param>
/// <param name="Reason">What is wrong, as a sentence without its full stop.</param>
public sealed record SkippedImage(string Id, string File, string Reason);

/// <summary>Something in a data set's folder that is not wrong but may be a mistake.</summary>
/// <param name="File">The file it is about.</param>
/// <param name="Message">A sentence without its full stop.</param>
public sealed record DatasetWarning(string File, string Message)
{
    public override string ToString() => $"{File}: {Message}";
}

/// <summary>
/// Pictures with captions, never empty, ids distinct. Loaded sets are in ordinal order of ids; <see cref="Shuffle"/> and
/// <see cref="Subset"/> make sets in another order.
/// </summary>
public sealed class CaptionedDataset
{
    private readonly Dictionary<string, int> indices;
    private readonly Lazy<string> hash;

    /// <param name="source">Where the pictures come from: a path, or a name for messages and manifests.</param>
    /// <param name="items">The pictures, in the order to keep.</param>
    /// <param name="skipped">What was left out.</param>
    /// <param name="warnings">What may be a mistake.</param>
    /// <exception cref="DatasetException">No picture, or two with one id.</exception>
    public CaptionedDataset(
        string source, IEnumerable<CaptionedImage> items, IReadOnlyList<SkippedImage>? skipped = null, IReadOnlyList<DatasetWarning>? warnings = null)
    {
        Source = source;
        Items = [.. items];
        Skipped = skipped ?? [];
        Warnings = warnings ?? [];
        if (Items.Count == 0)
        {
            string left = Skipped.Count == 0 ? "" : $": all of its {Skipped.Count} pictures were skipped, the first because {Skipped[0].Reason}";
            throw new DatasetException($"the data set is empty{left}", "At least one picture with a caption is needed.", source);
        }
        indices = new Dictionary<string, int>(Items.Count, StringComparer.Ordinal);
        for (int i = 0; i < Items.Count; i++)
            if (!indices.TryAdd(Items[i].Id, i))
                throw new DatasetException($"the id '{Items[i].Id}' occurs twice", "Give each picture its own id.", source);
        hash = new Lazy<string>(() => ContentHash.Compute(Items));
    }

    public string Source { get; }

    /// <summary>The layout that the set was read in, in words; null where it was not read from files.</summary>
    public string? Layout { get; internal init; }

    public IReadOnlyList<CaptionedImage> Items { get; }

    public int Count => Items.Count;

    public IReadOnlyList<SkippedImage> Skipped { get; }

    public IReadOnlyList<DatasetWarning> Warnings { get; }

    /// <summary>
    /// SHA-256 (64 hex digits) over ids, captions and pixels as they are here, decoded and resized; independent of the order and the tags.
    /// </summary>
    public string Hash => hash.Value;

    /// <summary>The picture of this id.</summary>
    /// <exception cref="DatasetException">There is none.</exception>
    public CaptionedImage this[string id] => Find(id)
        ?? throw new DatasetException($"there is no picture '{id}'", $"Use one of its {Count} ids, such as '{Items[0].Id}'.", Source);

    /// <summary>The picture of this id, or null.</summary>
    public CaptionedImage? Find(string id) => indices.TryGetValue(id, out int index) ? Items[index] : null;

    /// <summary>
    /// Loads a data set in any of the layouts that docs/datasets.md describes; which one it is, its files show. Pictures without a caption are reported
    /// as warnings.
    /// </summary>
    /// <param name="path">A folder, a file (<c>.tar</c>, <c>.parquet</c>, a sheet of a pack), or what stands before the numbers of shards.</param>
    /// <param name="options">Size, limits, and what a bad picture does.</param>
    /// <exception cref="DatasetException">
    /// No layout or more than one fits, or anything is wrong with the files or (under Fail) a picture.
    /// </exception>
    public static CaptionedDataset Load(string path, LoadOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        options ??= new LoadOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Size ?? 1, 1, nameof(LoadOptions.Size));
        return DatasetLayouts.Load(path, options);
    }

    /// <summary>The pictures for which the condition holds, in the same order.</summary>
    public CaptionedDataset Where(Func<CaptionedImage, bool> condition) => With(Items.Where(condition));

    /// <summary>The pictures of these ids, in the order of the ids.</summary>
    /// <exception cref="DatasetException">An id is unknown or comes twice.</exception>
    public CaptionedDataset Subset(IEnumerable<string> ids) => With(ids.Select(id => this[id]));

    /// <summary><paramref name="count"/> pictures from place <paramref name="start"/> on.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range is not inside the set.</exception>
    public CaptionedDataset Slice(int start, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, Count - count);
        return With(Items.Skip(start).Take(count));
    }

    /// <summary>The first <paramref name="count"/> pictures.</summary>
    public CaptionedDataset Take(int count) => Slice(0, count);

    /// <summary>
    /// The pictures in a random order that depends on the seed and on the order here, and on nothing else: see <see cref="SplitMix64.Shuffle"/>.
    /// </summary>
    public CaptionedDataset Shuffle(ulong seed)
    {
        CaptionedImage[] items = [.. Items];
        new SplitMix64(seed).Shuffle<CaptionedImage>(items);
        return With(items);
    }

    /// <summary>Each picture replaced by what <paramref name="change"/> makes of it.</summary>
    public CaptionedDataset Select(Func<CaptionedImage, CaptionedImage> change) => With(Items.Select(change));

    /// <summary>The same set, read in this layout.</summary>
    internal CaptionedDataset WithLayout(string layout) => new(Source, Items, Skipped, Warnings) { Layout = layout };

    private CaptionedDataset With(IEnumerable<CaptionedImage> items) => new(Source, items, Skipped, Warnings) { Layout = Layout };
}
