namespace CudaAttribution.Data.Datasets.Layouts;

/// <summary>The column that holds the captions, which published sets call by one of three names.</summary>
internal static class CaptionColumn
{
    private static readonly string[] Names = ["text", "caption", "prompt"];

    /// <exception cref="DatasetException">None or several of the columns are called so.</exception>
    public static string Find(IReadOnlyCollection<string> columns, string file, int? line = null)
    {
        string[] fitting = [.. Names.Where(columns.Contains)];
        return fitting switch
        {
            [string one] => one,
            [] => throw new DatasetException(
                $"no column is called text, caption or prompt; there are: {OutsideText.List(columns)}",
                "Give the column of captions one of these names.", file, line),
            _ => throw new DatasetException(
                $"several columns may be the captions: {string.Join(", ", fitting)}; there are: {OutsideText.List(columns)}",
                "Leave one of them its name.", file, line),
        };
    }
}
