using System.Text;
using CudaAttribution.Images;

namespace CudaAttribution.Data.Datasets;

/// <summary>One picture of a data set with its caption. Immutable.</summary>
public sealed class CaptionedImage
{
    private static readonly IReadOnlyDictionary<string, string> NoTags = new Dictionary<string, string>();

    /// <param name="id">The name of the picture in its data set: the file's path in its folder without extension, with '/' between folders.</param>
    /// <param name="caption">The caption; runs of white space and control characters become one blank.</param>
    /// <param name="image">The picture; one that is not in memory is read only where its pixels are needed.</param>
    /// <param name="tags">Further columns of the data set; null is none.</param>
    /// <exception cref="ArgumentException">The id is not a plain relative path, or the caption is empty.</exception>
    public CaptionedImage(string id, string caption, IPicture image, IReadOnlyDictionary<string, string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (RelativePath.Problem(id) is { } problem) throw new ArgumentException($"The id '{id}' {problem}.", nameof(id));
        Id = id;
        Caption = Normalise(caption);
        if (Caption.Length == 0) throw new ArgumentException($"The caption of '{id}' is empty.", nameof(caption));
        Image = image;
        Tags = tags ?? NoTags;
    }

    public string Id { get; }

    public string Caption { get; }

    public IPicture Image { get; }

    public IReadOnlyDictionary<string, string> Tags { get; }

    /// <summary>The same picture under another caption.</summary>
    public CaptionedImage WithCaption(string caption) => new(Id, caption, Image, Tags);

    /// <summary>Another picture under the same id and caption.</summary>
    public CaptionedImage WithImage(IPicture image) => new(Id, Caption, image, Tags);

    /// <summary>Runs of white space and control characters become one blank, none at the ends: what CLIP's tokenizer does to text first.</summary>
    public static string Normalise(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var result = new StringBuilder(text.Length);
        foreach (char c in text)
        {
            bool blank = char.IsWhiteSpace(c) || char.IsControl(c);
            if (!blank) result.Append(c);
            else if (result.Length > 0 && result[^1] != ' ') result.Append(' ');
        }
        return result.ToString().TrimEnd(' ');
    }

    public override string ToString() => $"{Id}: {Caption}";
}
