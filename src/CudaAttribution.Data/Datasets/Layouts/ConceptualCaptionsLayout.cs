using System.Globalization;
using System.Text;
using CudaAttribution.Data.Codecs;

namespace CudaAttribution.Data.Datasets.Layouts;

/// <summary>
/// Conceptual Captions: the published table of captions and addresses, tab-separated, and beside it the pictures as the usual download script leaves them:
/// <c>validation/ROW_CRC</c>, or <c>validation/CRC</c> by its earlier versions, ROW from 0 and CRC the CRC-32 of the address, without extension. What
/// img2dataset leaves of the table is read by <see cref="CaptionFilesLayout"/> and <see cref="WebDatasetLayout"/>.
/// </summary>
internal sealed class ConceptualCaptionsLayout : IDatasetLayout
{
    private const string Extension = ".tsv";

    private static readonly string[] Folders = ["validation", "training"];

    public string Name => "Conceptual Captions (a .tsv of captions and addresses, pictures in validation/ or training/)";

    public string? Sign(DatasetPath set) => Tables(set).FirstOrDefault();

    public CaptionedDataset Load(DatasetPath set, LoadOptions options)
    {
        string[] tables = Tables(set);
        if (tables.Length > 1)
            throw new DatasetException($"it has several splits: {OutsideText.List(tables)}", $"Name one of them, such as {set.Combine(tables[0])}.", set.Path);
        string file = set.IsFile ? set.Path : set.Combine(tables[0]), folder = Path.GetDirectoryName(Path.GetFullPath(file))!;
        string[] folders = [.. Folders.Where(f => Directory.Exists(Path.Combine(folder, f)))];
        if (folders.Length == 0)
            throw new DatasetException(
                "there is no folder validation or training with the pictures", "Download the pictures; the table has addresses only.", file);
        Dictionary<string, string> pictures = Pictures(folders.Select(f => Path.Combine(folder, f)));
        var entries = new List<CaptionedEntry>();
        foreach ((int line, string text) in TextLines.Read(file, DatasetPath.ReadFile(file)))
        {
            string[] fields = text.Split('\t');
            if (line == 1 && IsHeader(fields)) continue;
            string caption = CaptionedImage.Normalise(fields[0]), address = fields[^1].Trim();
            if (fields.Length != 2 || caption.Length == 0 || !IsAddress(address))
                throw new DatasetException("the line is not a caption, a tab and an address", "Use the table as it was published.", file, line);
            int row = entries.Count;
            uint crc = PngCrc.Of(Encoding.UTF8.GetBytes(address));
            string? picture = pictures.GetValueOrDefault($"{row}_{crc}") ?? pictures.GetValueOrDefault($"{crc}");
            entries.Add(new CaptionedEntry(
                row.ToString("00000000", CultureInfo.InvariantCulture), caption, new Dictionary<string, string> { ["url"] = address },
                picture is null ? null : new FileBytes(picture), $"{folders[0]}/{row}_{crc} or {crc}", file, line));
        }
        return PictureLoader.Load(set.Path, $"{Name}: {Path.GetFileName(file)}", entries, [], options);
    }

    private static string[] Tables(DatasetPath set) => set.IsFile
        ? set.HasExtension(Extension) ? [Path.GetFileName(set.Path)] : []
        : [.. set.Files.Where(f => DatasetPath.HasExtension(f, Extension) && IsTable(set.Combine(f)))];

    /// <summary>Files by their names, and those that have a row also by the address alone, since scripts count rows in different ways.</summary>
    private static Dictionary<string, string> Pictures(IEnumerable<string> folders)
    {
        var pictures = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string file in folders.SelectMany(Directory.EnumerateFiles).Order(StringComparer.Ordinal))
        {
            string name = Path.GetFileName(file);
            pictures.TryAdd(name, file);
            pictures.TryAdd(name[(name.IndexOf('_') + 1)..], file);
        }
        return pictures;
    }

    /// <summary>Whether the first line is a caption and an address, or names them.</summary>
    private static bool IsTable(string file)
    {
        const int most = 1 << 16;
        try
        {
            using var stream = File.OpenRead(file);
            byte[] first = new byte[Math.Min(most, stream.Length)];
            stream.ReadExactly(first);
            string[] fields = Encoding.UTF8.GetString(first).TrimStart('\uFEFF').Split('\n')[0].Trim('\r').Split('\t');
            return fields.Length == 2 && (IsHeader(fields) || IsAddress(fields[1]));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw DatasetPath.CannotBeRead(file, e);
        }
    }

    private static bool IsHeader(string[] fields) => fields is ["caption", "url"];

    private static bool IsAddress(string text) =>
        text.StartsWith("http://", StringComparison.OrdinalIgnoreCase) || text.StartsWith("https://", StringComparison.OrdinalIgnoreCase);
}
