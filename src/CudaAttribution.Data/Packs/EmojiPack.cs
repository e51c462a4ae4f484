using System.Text;
using CudaAttribution.Data.Datasets;

namespace CudaAttribution.Data.Packs;

/// <summary>
/// The emoji pictures that come with the program: the same 1,586 emoji in the drawings of four vendors, 32 x 32 pixels on white, with captions
/// such as "lying face, face neutral skeptical". See data/README.md for where they come from and how they were made.
/// </summary>
public static class EmojiPack
{
    /// <summary>Side in pixels of the pictures as they are kept.</summary>
    public const int NativeSize = 32;

    private static readonly EmbeddedPackFiles Files = new(typeof(EmojiPack).Assembly, "emoji/");

    private static readonly Lazy<PackIndex> PackIndex = new(() => SpriteSheetPack.ReadIndex(Files));

    /// <summary>google, twitter, openmoji and fluent-emoji.</summary>
    public static IReadOnlyList<string> Vendors => [.. PackIndex.Value.Sheets.Select(s => s.Name)];

    /// <summary>One vendor's pictures, in ordinal order of ids (code points), resized to <paramref name="size"/> x <paramref name="size"/>.</summary>
    /// <exception cref="DatasetException">There is no such vendor.</exception>
    public static CaptionedDataset Load(string vendor, int size = NativeSize) =>
        SpriteSheetPack.Read(Files, vendor, new LoadOptions { Size = size });

    /// <summary>Where a vendor's pictures come from, with the attribution that reports must show.</summary>
    /// <exception cref="DatasetException">There is no such vendor.</exception>
    public static SheetOrigin Origin(string vendor) =>
        PackIndex.Value.Sheets.FirstOrDefault(s => s.Name == vendor)?.Origin
        ?? throw new DatasetException(
            $"the pack has no sheet '{vendor}'",
            $"Name one of: {string.Join(", ", Vendors)}.",
            Files.Describe(SpriteSheetPack.IndexName));

    /// <summary>The text of the licence of a vendor's pictures.</summary>
    /// <exception cref="DatasetException">There is no such vendor.</exception>
    public static string LicenceText(string vendor)
    {
        string name = Origin(vendor).LicenceFile;
        byte[] bytes = Files.Read(name)
            ?? throw new DatasetException(
                "the licence is missing from the program",
                "Build the program from its complete source.",
                Files.Describe(name));
        return Encoding.UTF8.GetString(bytes);
    }
}
