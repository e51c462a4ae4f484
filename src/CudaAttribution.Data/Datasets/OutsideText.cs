namespace CudaAttribution.Data.Datasets;

/// <summary>Text from a data set as a message shows it.</summary>
internal static class OutsideText
{
    private const int MostLetters = 60, MostNames = 20;

    /// <summary>The beginning of a text, on one line.</summary>
    public static string Shown(string text)
    {
        string line = CaptionedImage.Normalise(text.Length > 4 * MostLetters ? text[..(4 * MostLetters)] : text);
        return line.Length <= MostLetters ? line : line[..MostLetters] + "...";
    }

    /// <summary>The first of these names.</summary>
    public static string List(IEnumerable<string> names)
    {
        string[] all = [.. names];
        return string.Join(", ", all.Take(MostNames).Select(Shown)) + (all.Length > MostNames ? $" and {all.Length - MostNames} more" : "");
    }
}
