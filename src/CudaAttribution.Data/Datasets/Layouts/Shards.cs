using System.Text.RegularExpressions;

namespace CudaAttribution.Data.Datasets.Layouts;

/// <summary>Data sets in numbered files: <c>00000.tar</c>, <c>train-00000-of-00002.parquet</c>.</summary>
internal static partial class Shards
{
    /// <summary>
    /// The files of a set with this extension that are <paramref name="wanted"/>, in ordinal order: the file itself, those that begin so, those of the
    /// folder, or where it has none those of its sub-folders. Empty where there are none.
    /// </summary>
    public static IReadOnlyList<string> Find(DatasetPath set, string extension, Func<DatasetPath, string, bool> wanted)
    {
        if (set.IsFile) return set.HasExtension(extension) ? [set.Path] : [];
        if (!set.IsFolder) return [.. Beginning(set.Path).Where(f => DatasetPath.HasExtension(f, extension))];
        string[] own = In(set);
        return own.Length > 0 ? own : [.. set.Folders.SelectMany(name => In(set.Folder(name)))];

        string[] In(DatasetPath folder) =>
            [.. folder.Files.Where(f => DatasetPath.HasExtension(f, extension) && wanted(folder, f)).Select(folder.Combine)];
    }

    /// <summary>Refuses shards of several splits, which are different data sets.</summary>
    /// <exception cref="DatasetException">There are several.</exception>
    public static void RequireOneSplit(DatasetPath set, IReadOnlyList<string> shards)
    {
        if (!set.IsFolder) return;
        string[] splits = [.. shards.Select(Split).Distinct(StringComparer.Ordinal)];
        if (splits.Length > 1)
            throw new DatasetException(
                $"it has several splits: {OutsideText.List(splits.Select(s => Path.GetRelativePath(set.Path, s)))}", $"Name one of them, such as {splits[0]}.",
                set.Path);
    }

    /// <summary>Numbered shards whose names begin with this path.</summary>
    public static IReadOnlyList<string> Beginning(string path)
    {
        string? folder = Path.GetDirectoryName(Path.GetFullPath(path));
        if (folder is null || !Directory.Exists(folder)) return [];
        string full = Path.Combine(folder, Path.GetFileName(path));
        return [.. Directory.EnumerateFiles(folder, "*", new EnumerationOptions()).Where(f => Numbered().IsMatch(Path.GetFileName(f)) && Split(f) == full)
            .Order(StringComparer.Ordinal)];
    }

    /// <summary>The path that the shard is named by together with others of its split: what stands before its number, or its folder.</summary>
    private static string Split(string shard) =>
        Numbered().Match(Path.GetFileName(shard)) is { Success: true } numbered
            ? Path.Combine(Path.GetDirectoryName(shard)!, numbered.Groups["split"].Value)
            : Path.GetDirectoryName(shard)!;

    [GeneratedRegex(@"^(?<split>.+?)[-_.](\d+)([-_]of[-_]\d+)?\.[A-Za-z]+$")]
    private static partial Regex Numbered();
}
