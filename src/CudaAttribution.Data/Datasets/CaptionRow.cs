namespace CudaAttribution.Data.Datasets;

/// <summary>One caption as a file of captions states it.</summary>
/// <param name="Line">The line in the file, from 1.</param>
/// <param name="Id">The picture's id, checked by <see cref="RelativePath"/>.</param>
/// <param name="FileName">The picture's path in the folder, or null where the id stands for it.</param>
/// <param name="Caption">The caption, normalised and not empty.</param>
/// <param name="Tags">Further columns that are not empty.</param>
internal sealed record CaptionRow(int Line, string Id, string? FileName, string Caption, IReadOnlyDictionary<string, string> Tags);

/// <summary>A file of captions as text lines, and the checks that both formats share.</summary>
internal sealed class CaptionFile(string file)
{
    private readonly Dictionary<string, int> lineOfId = new(StringComparer.Ordinal);

    public string File { get; } = file;

    /// <inheritdoc cref="TextLines.Read"/>
    public IEnumerable<(int Number, string Text)> Lines(byte[] bytes) => TextLines.Read(File, bytes);

    public CaptionRow Row(int line, string id, string? fileName, string caption, IReadOnlyDictionary<string, string> tags)
    {
        if (RelativePath.Problem(fileName ?? id) is { } problem)
        {
            string named = fileName is null ? $"id '{OutsideText.Shown(id)}'" : $"file name '{OutsideText.Shown(fileName)}'";
            throw Wrong(line, $"the {named} {problem}", "Use a plain path inside the data set's folder.");
        }
        if (!lineOfId.TryAdd(id, line))
            throw Wrong(line, $"the id '{id}' was already used in line {lineOfId[id]}", "Give each picture its own id.");
        string text = CaptionedImage.Normalise(caption);
        if (text.Length == 0) throw Wrong(line, $"the caption of '{id}' is empty", "Write a caption or remove the line.");
        return new CaptionRow(line, id, fileName, text, tags);
    }

    public DatasetException Wrong(int? line, string problem, string remedy, Exception? inner = null) => new(problem, remedy, File, line, inner);
}
