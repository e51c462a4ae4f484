namespace CudaAttribution.Runs.Units;

/// <summary>The log of a unit: a heading for each worker, then what it wrote on standard error.</summary>
internal static class WorkerLog
{
    private const string Heading = "--- ";

    /// <summary>
    /// For <c>sh -c</c>, with the log and the worker's command as arguments. The shell becomes the worker, so that signals meet it, and the log is
    /// appended to by the system, so that it survives whoever started the worker and two of them do not overwrite each other.
    /// </summary>
    public const string Script =
        $"echo \"{Heading}$(date -u '+%F %T') UTC, ${{SLURMD_NODENAME:-$(hostname)}}, process $$\" >>\"$0\"; exec \"$@\" 2>>\"$0\" </dev/null";

    /// <summary>The last thing that the last worker said; null where it said nothing.</summary>
    public static string? LastWord(string log) =>
        File.Exists(log) && File.ReadLines(log).LastOrDefault(l => l.Trim().Length > 0) is { } line && !line.StartsWith(Heading, StringComparison.Ordinal)
            ? line
            : null;
}
