namespace CudaAttribution.Data.Datasets.Layouts;

/// <summary>
/// Each picture with its caption in a file of the same name: <c>.txt</c> or <c>.caption</c> as for kohya's scripts, whose repeat folders
/// (<c>10_name/</c>) are folders like others here; <c>.txt</c> and <c>.json</c> as img2dataset leaves them in <c>00000/</c> and so on.
/// </summary>
internal sealed class CaptionFilesLayout : IDatasetLayout
{
    private static readonly string[] Texts = [".txt", ".caption"];

    private const string Json = ".json";

    public string Name => "a caption file beside each picture (kohya: .txt or .caption; img2dataset: .txt and .json)";

    public string? Sign(DatasetPath set) =>
        Beside(set.Files) ?? set.Folders.Select(f => Beside(set.Folder(f).Files) is { } name ? $"{f}/{name}" : null).FirstOrDefault(n => n is not null);

    public CaptionedDataset Load(DatasetPath set, LoadOptions options)
    {
        var images = new ImageFolder(set.Path);
        var entries = new List<CaptionedEntry>();
        var warnings = new List<DatasetWarning>();
        foreach (string id in images.Names.Select(n => n[..^Path.GetExtension(n).Length]).Distinct(StringComparer.Ordinal))
        {
            var sample = new Sample(id);
            foreach (string name in images.NamesOf(id).Order(StringComparer.Ordinal)) sample.AddPicture(new FileBytes(images.FullPath(name)));
            foreach (string file in Texts.Select(t => images.FullPath(id + t)).Where(File.Exists)) sample.AddText(file, ReadText(file));
            if (images.FullPath(id + Json) is { } json && File.Exists(json)) sample.AddJson(json, ReadText(json));
            sample.AddTo(entries, warnings);
        }
        return PictureLoader.Load(set.Path, Name, entries, warnings, options);
    }

    /// <summary>The first caption file that lies beside a picture.</summary>
    private static string? Beside(IReadOnlyList<string> files)
    {
        var pictures = files.Where(ImageFolder.HasImageExtension).Select(Path.GetFileNameWithoutExtension).ToHashSet(StringComparer.Ordinal);
        return files.FirstOrDefault(f => (Texts.Contains(Path.GetExtension(f)) || Path.GetExtension(f) == Json)
            && pictures.Contains(Path.GetFileNameWithoutExtension(f)));
    }

    private static byte[] ReadText(string file) => new FileInfo(file).Length <= Sample.MostTextBytes
        ? DatasetPath.ReadFile(file)
        : throw new DatasetException($"the file has more than {Sample.MostTextBytes} bytes, which no caption has", "Replace or remove it.", file);
}
