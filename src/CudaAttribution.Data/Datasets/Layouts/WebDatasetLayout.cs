using System.Formats.Tar;

namespace CudaAttribution.Data.Datasets.Layouts;

/// <summary>
/// Shards as webdataset has them: tar archives of <c>KEY.jpg</c> (.jpeg, .png, .webp) and <c>KEY.txt</c> or <c>KEY.json</c>; a key ends at the first dot of
/// its file name. Ids are SHARD/KEY. Only the places of the pictures are kept.
/// </summary>
internal sealed class WebDatasetLayout : IDatasetLayout
{
    private const string Extension = ".tar";

    public string Name => "webdataset (.tar shards of KEY.jpg and KEY.txt or KEY.json)";

    public string? Sign(DatasetPath set) => Find(set) is [var first, ..] ? Path.GetRelativePath(set.Path, first) : null;

    public CaptionedDataset Load(DatasetPath set, LoadOptions options)
    {
        IReadOnlyList<string> shards = Find(set);
        Shards.RequireOneSplit(set, shards);
        var entries = new List<CaptionedEntry>();
        var warnings = new List<DatasetWarning>();
        foreach (string shard in shards)
        {
            foreach (Sample sample in Samples(shard)) sample.AddTo(entries, warnings);
        }
        return PictureLoader.Load(set.Path, $"{Name}: {shards.Count} shards", entries, warnings, options);
    }

    private static IReadOnlyList<string> Find(DatasetPath set) => Shards.Find(set, Extension, (_, _) => true);

    private static IReadOnlyCollection<Sample> Samples(string shard)
    {
        var samples = new OrderedDictionary<string, Sample>(StringComparer.Ordinal);
        try
        {
            using FileStream stream = File.OpenRead(shard);
            using var reader = new TarReader(stream);
            while (reader.GetNextEntry() is { } entry)
            {
                if (entry.EntryType is TarEntryType.RegularFile or TarEntryType.V7RegularFile) Add(shard, stream.Length, entry, samples);
            }
        }
        // What TarReader throws for archives that are none.
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException or FormatException or ArgumentException
            or OverflowException or NotSupportedException)
        {
            throw new DatasetException(
                $"the archive cannot be read as tar, or ends too early ({OutsideText.Shown(e.Message)})", "Make or download it again; unpack compressed ones.",
                shard, null, e);
        }
        return samples.Values;
    }

    private static void Add(string shard, long shardLength, TarEntry entry, OrderedDictionary<string, Sample> samples)
    {
        string name = entry.Name.StartsWith("./", StringComparison.Ordinal) ? entry.Name[2..] : entry.Name;
        if (RelativePath.Problem(name) is { } problem)
            throw new DatasetException($"the entry '{OutsideText.Shown(name)}' {problem}", "Make the archive again, with plain names.", shard);
        string file = Path.GetFileName(name), place = $"{shard}: {name}";
        int dot = file.IndexOf('.');
        if (dot <= 0) return;
        string key = name[..^(file.Length - dot)], extension = file[dot..].ToLowerInvariant();
        bool picture = ImageFolder.HasImageExtension(file[dot..]) && !extension.AsSpan(1).Contains('.');
        if (!picture && extension is not (".txt" or ".json")) return;
        if (entry.DataOffset < 0 || entry.Length > shardLength - entry.DataOffset)
            throw new DatasetException(
                $"the archive ends before the {entry.Length} bytes of the entry '{OutsideText.Shown(name)}'", "Make or download it again.", shard);
        if (!samples.TryGetValue(key, out Sample? sample))
            samples.Add(key, sample = new Sample($"{Path.GetFileNameWithoutExtension(shard)}/{key}"));
        if (picture) sample.AddPicture(new TarBytes(shard, name, entry.DataOffset, entry.Length));
        else if (extension == ".txt") sample.AddText(place, ReadText(entry, place));
        else sample.AddJson(place, ReadText(entry, place));
    }

    private static byte[] ReadText(TarEntry entry, string place)
    {
        if (entry.Length > Sample.MostTextBytes)
            throw new DatasetException($"the entry has more than {Sample.MostTextBytes} bytes, which no caption has", "Make the archive without it.", place);
        byte[] bytes = new byte[entry.Length];
        entry.DataStream?.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>A picture in an archive that is not packed.</summary>
    private sealed class TarBytes(string shard, string name, long offset, long length) : PictureBytes
    {
        public override string Place => $"{shard}: {name}";

        public override byte[] Read(long mostBytes)
        {
            CheckLength(length, mostBytes);
            byte[] bytes = new byte[length];
            using FileStream stream = File.OpenRead(shard);
            stream.Position = offset;
            stream.ReadExactly(bytes);
            return bytes;
        }
    }
}
