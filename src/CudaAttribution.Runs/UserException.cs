namespace CudaAttribution.Runs;

/// <summary>
/// The work cannot go on for a reason that the user can mend: a fact and a remedy, both in terms of what the library was given. Everything else
/// that is thrown is a defect of the program.
/// </summary>
public class UserException : Exception
{
    /// <param name="problem">What is wrong, as a sentence without its full stop.</param>
    /// <param name="remedy">What to do about it, as a sentence.</param>
    /// <param name="file">The file or folder it is about.</param>
    /// <param name="inner">The failure underneath.</param>
    public UserException(string problem, string remedy, string? file = null, Exception? inner = null)
        : this(problem, remedy, file, line: null, inner)
    {
    }

    /// <inheritdoc cref="UserException(string, string, string?, Exception?)"/>
    /// <param name="line">The line of the file, from 1.</param>
    public UserException(string problem, string remedy, string? file, int? line, Exception? inner = null)
        : base($"{Place(file, line)}{problem}. {remedy}", inner) =>
        (Problem, Remedy, File, Line) = (problem, remedy, file, line);

    /// <summary>The fact.</summary>
    public string Problem { get; }

    /// <summary>What to do.</summary>
    public string Remedy { get; }

    public string? File { get; }

    /// <summary>Name of the setting to change, where there is one: a program can say how it is called there.</summary>
    public string? Setting { get; init; }

    public int? Line { get; }

    private static string Place(string? file, int? line) => file is null ? "" : line is null ? $"{file}: " : $"{file}:{line}: ";
}
