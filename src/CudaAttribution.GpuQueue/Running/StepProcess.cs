using System.Diagnostics;

namespace CudaAttribution.GpuQueue.Running;

/// <summary>How a step's process ended.</summary>
/// <param name="ExitCode">Its exit code; −1 where it was stopped.</param>
/// <param name="CutOff">Whether it was stopped because its box was used up.</param>
/// <param name="LastWords">Its last line on standard error.</param>
internal sealed record StepEnd(int ExitCode, bool CutOff, string LastWords);

/// <summary>
/// A step in a process of its own: a fault on a GPU spoils the process it happens in, and nothing but a signal ends a kernel that hangs.
/// </summary>
internal static class StepProcess
{
    /// <summary>Runs a command in a time box.</summary>
    /// <param name="command">Program and arguments.</param>
    /// <param name="box">After this much time it is stopped, with all it has started.</param>
    /// <param name="output">Gets each line of standard output as it comes.</param>
    /// <param name="log">Gets standard error, and the lines of standard output that <paramref name="output"/> refuses by returning false.</param>
    public static StepEnd Run(IReadOnlyList<string> command, TimeSpan box, Func<string, bool> output, TextWriter log)
    {
        var start = new ProcessStartInfo(command[0], command.Skip(1)) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var gate = new Lock();
        string lastWords = "";
        void Log(string? line)
        {
            if (line is null) return;
            lock (gate)
            {
                log.WriteLine(line);
                if (line.Trim().Length > 0) lastWords = line.Trim();
            }
        }
        process.OutputDataReceived += (_, e) =>
        {
            if (e.Data is { } line && !output(line)) Log(line);
        };
        process.ErrorDataReceived += (_, e) => Log(e.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        bool ended = process.WaitForExit(box);
        if (!ended) process.Kill(entireProcessTree: true);
        Drain(process);
        return new StepEnd(ended ? process.ExitCode : -1, !ended, lastWords);
    }

    /// <summary>Waits for the last lines; not for long, since what the process has started may live on and hold its output open.</summary>
    private static void Drain(Process process)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        try
        {
            process.WaitForExitAsync(limit.Token).GetAwaiter().GetResult();
        }
        catch (OperationCanceledException)
        {
            process.CancelOutputRead();
            process.CancelErrorRead();
        }
    }
}
