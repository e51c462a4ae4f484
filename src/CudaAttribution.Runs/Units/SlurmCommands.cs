using System.ComponentModel;
using System.Diagnostics;

namespace CudaAttribution.Runs.Units;

/// <summary>Slurm's commands, as far as the runner needs them.</summary>
internal static class SlurmCommands
{
    /// <summary>Submits a script.</summary>
    /// <returns>The job's number.</returns>
    /// <exception cref="UserException">Slurm refuses it.</exception>
    public static async Task<string> SubmitAsync(IEnumerable<string> arguments, string script)
    {
        var (code, output, error) = await RunAsync("sbatch", ["--parsable", .. arguments], script).ConfigureAwait(false);
        // Of a federation, 'number;cluster'.
        return code == 0
            ? output.Trim().Split(';')[0]
            : throw new UserException($"sbatch refused the units: {error.Trim()}", "Check what the cluster allows, and the arguments for it.");
    }

    /// <summary>Whether any job of this name waits or runs; null where Slurm does not answer now.</summary>
    public static async Task<bool?> AnyAsync(string name)
    {
        var (code, output, _) = await RunAsync("squeue", ["--noheader", $"--name={name}", "--format=%i"]).ConfigureAwait(false);
        return code == 0 ? output.Trim().Length > 0 : null;
    }

    /// <summary>Ends all jobs of this name.</summary>
    public static Task CancelAsync(string name) => RunAsync("scancel", [$"--name={name}"]);

    private static async Task<(int Code, string Output, string Error)> RunAsync(string program, IEnumerable<string> arguments, string input = "")
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        try
        {
            using var process = Process.Start(start)!;
            var output = process.StandardOutput.ReadToEndAsync();
            var error = process.StandardError.ReadToEndAsync();
            await process.StandardInput.WriteAsync(input).ConfigureAwait(false);
            process.StandardInput.Close();
            await process.WaitForExitAsync().ConfigureAwait(false);
            return (process.ExitCode, await output.ConfigureAwait(false), await error.ConfigureAwait(false));
        }
        catch (Win32Exception e)
        {
            throw new UserException($"cannot start '{program}' ({e.Message.TrimEnd('.')})", "Run on a machine that submits to a Slurm cluster.", null, e);
        }
    }
}
