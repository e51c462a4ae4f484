using CudaAttribution.Data.Datasets;

namespace CudaAttribution.Data.Packs;

/// <summary>Makes the pack behind <see cref="EmojiPack"/> from folders of single emoji pictures.</summary>
public static class EmojiPackMaker
{
    private const int Columns = 40;

    private const string SourceCaptionPrefix = "an emoji of ";

    private const string Changes = "Changes: drawn on white, reduced to 32 x 32 pixels and arranged on one sheet.";

    private static readonly (string Name, SheetOrigin Origin)[] Vendors =
    [
        ("google", new SheetOrigin(
            "Noto Emoji", "npm package emoji-datasource-google 16.0.0", "Apache-2.0", "LICENCES/Apache-2.0.txt",
            $"Noto Emoji, copyright Google Inc., Apache License 2.0. {Changes}")),
        ("twitter", new SheetOrigin(
            "Twemoji", "npm package emoji-datasource-twitter 16.0.0", "CC-BY-4.0", "LICENCES/CC-BY-4.0.txt",
            $"Twemoji, copyright Twitter, Inc. and other contributors, CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/). {Changes}")),
        ("openmoji", new SheetOrigin(
            "OpenMoji", "npm package @iconify-json/openmoji 1.2.29", "CC-BY-SA-4.0", "LICENCES/CC-BY-SA-4.0.txt",
            "OpenMoji, the open-source emoji and icon project (https://openmoji.org), CC BY-SA 4.0 "
            + $"(https://creativecommons.org/licenses/by-sa/4.0/). {Changes} The sheet is under CC BY-SA 4.0 as well.")),
        ("fluent-emoji", new SheetOrigin(
            "Fluent Emoji", "npm package @iconify-json/fluent-emoji 1.2.7", "MIT", "LICENCES/MIT-fluent-emoji.txt",
            $"Fluent Emoji, copyright Microsoft Corporation, MIT License. {Changes}")),
    ];

    /// <summary>
    /// Reads <paramref name="source"/>/(google|twitter|openmoji|fluent-emoji), each a folder of 64 x 64 pictures with captions.tsv (columns id,
    /// caption, short_name, category, subcategory), keeps the emoji that all four have and that are no flags, gives them
    /// <see cref="TrainingCaption"/> and writes the pack.
    /// </summary>
    /// <exception cref="DatasetException">A folder is missing or malformed, or the output cannot be written.</exception>
    public static PackIndex Write(string source, string folder)
    {
        CaptionedDataset[] sets =
            [.. Vendors.Select(v => CaptionedDataset.Load(Path.Combine(source, v.Name), new LoadOptions { Size = EmojiPack.NativeSize }))];
        var shared = sets[0].Items.Where(i => i.Tags["category"] != "Flags").Select(i => i.Id).ToHashSet(StringComparer.Ordinal);
        foreach (CaptionedDataset set in sets) shared.IntersectWith(set.Items.Select(i => i.Id));
        return SpriteSheetPack.Write(folder, Columns, [.. Vendors.Zip(sets, (v, set) => (v.Name, Kept(set), v.Origin))]);

        CaptionedDataset Kept(CaptionedDataset set) =>
            set.Where(i => shared.Contains(i.Id)).Select(i => i.WithCaption(TrainingCaption(i.Caption, i.Tags["subcategory"])));
    }

    /// <summary>
    /// Lower-case name, comma, sub-category in words: "an emoji of lying face, lie, pinocchio, smiley" of face-neutral-skeptical becomes
    /// "lying face, face neutral skeptical". The name is the first phrase of the source caption that has a letter (the first phrase of
    /// thumbs-up is "1"); the keywords behind it are dropped, as they are shared by many emoji; the prefix, as it is shared by all.
    /// </summary>
    public static string TrainingCaption(string sourceCaption, string subcategory)
    {
        string text = sourceCaption.StartsWith(SourceCaptionPrefix, StringComparison.Ordinal)
            ? sourceCaption[SourceCaptionPrefix.Length..]
            : sourceCaption;
        string[] phrases = text.Split(',', StringSplitOptions.TrimEntries);
        string name = phrases.FirstOrDefault(p => p.Any(char.IsAsciiLetter)) ?? phrases[0];
        return $"{Words(name)}, {Words(subcategory)}";
    }

    private static string Words(string text) =>
        CaptionedImage.Normalise(string.Concat(text.Select(c => char.IsAsciiLetterOrDigit(c) ? char.ToLowerInvariant(c) : ' ')));
}
