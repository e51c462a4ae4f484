using CudaAttribution.Data.Codecs;

namespace CudaAttribution.Data.Datasets;

/// <summary>One caption of a data set and the picture that it is of.</summary>
/// <param name="Id">The picture's id, a plain relative path.</param>
/// <param name="Caption">The caption, not empty.</param>
/// <param name="Tags">Everything else that is known of it.</param>
/// <param name="Picture">Its bytes, or null where there are none.</param>
/// <param name="Wanted">What was looked for, for the message where there are none.</param>
/// <param name="File">Where the caption stands.</param>
/// <param name="Line">Its line there.</param>
internal sealed record CaptionedEntry(
    string Id, string Caption, IReadOnlyDictionary<string, string> Tags, PictureBytes? Picture, string Wanted, string File, int? Line = null);

/// <summary>
/// Makes a data set of captions and places of pictures: each picture is read once, to know that it can be and what it is, and none is kept.
/// </summary>
internal static class PictureLoader
{
    /// <param name="source">The path of the set.</param>
    /// <param name="layout">What it was read as.</param>
    /// <param name="entries">Captions with their pictures, in any order.</param>
    /// <param name="warnings">What may be a mistake.</param>
    /// <param name="options">How pictures are read, and what a bad one does.</param>
    /// <exception cref="DatasetException">No picture, two of one id, or (under Fail) a bad one: the first in order of ids.</exception>
    public static CaptionedDataset Load(
        string source, string layout, IEnumerable<CaptionedEntry> entries, IReadOnlyList<DatasetWarning> warnings, LoadOptions options)
    {
        CaptionedEntry[] ordered = [.. entries.OrderBy(e => e.Id, StringComparer.Ordinal)];
        var loaded = new StoredPicture?[ordered.Length];
        var failures = new Exception?[ordered.Length];
        Parallel.For(0, ordered.Length, i =>
        {
            if (ordered[i].Picture is not { } bytes) return;
            try
            {
                loaded[i] = StoredPicture.Open(bytes, options);
            }
            catch (Exception e) when (e is ImageDecodeException or IOException or UnauthorizedAccessException)
            {
                failures[i] = e;
            }
        });

        var items = new List<CaptionedImage>(ordered.Length);
        var skipped = new List<SkippedImage>();
        for (int i = 0; i < ordered.Length; i++)
        {
            CaptionedEntry entry = ordered[i];
            if (loaded[i] is { } image)
            {
                items.Add(new CaptionedImage(entry.Id, entry.Caption, image, entry.Tags));
                continue;
            }
            bool missing = entry.Picture is null;
            string reason = failures[i] is { } failure
                ? failure.Message.TrimEnd('.')
                : $"the caption '{entry.Id}' has no picture: there is no {entry.Wanted}";
            string place = entry.Picture?.Place ?? entry.File;
            if (options.OnBadImage == BadImagePolicy.Fail)
                throw new DatasetException(
                    reason, $"{(missing ? "Add the picture or remove the caption" : "Replace or remove the picture")}, or skip bad pictures.",
                    place, missing ? entry.Line : null, failures[i])
                {
                    Setting = "on-bad-image",
                };
            skipped.Add(new SkippedImage(entry.Id, place, reason));
        }
        return new CaptionedDataset(source, items, skipped, warnings) { Layout = layout };
    }
}
