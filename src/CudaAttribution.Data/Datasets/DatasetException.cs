namespace CudaAttribution.Data.Datasets;

/// <summary>A data set cannot be read or written. The message names the file, the line where there is one, the problem and what to do.</summary>
public sealed class DatasetException : Exception
{
    /// <param name="problem">What is wrong, as a sentence without its full stop.</param>
    /// <param name="remedy">What to do about it, as a sentence.</param>
    /// <param name="file">The file or folder that is wrong.</param>
    /// <param name="line">Its line, from 1.</param>
    /// <param name="inner">The failure underneath.</param>
    public DatasetException(string problem, string remedy, string? file = null, int? line = null, Exception? inner = null)
        : base($"{Place(file, line)}{problem}. {remedy}", inner)
    {
        File = file;
        Line = line;
    }

    public string? File { get; }

    public int? Line { get; }

    private static string Place(string? file, int? line) => file is null ? "" : line is null ? $"{file}: " : $"{file}:{line}: ";
}
