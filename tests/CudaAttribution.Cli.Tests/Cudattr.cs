using System.Diagnostics;
using System.Text.Json;

namespace CudaAttribution.Cli.Tests;

/// <summary>Runs the program as a user would: a process of its own.</summary>
internal static class Cudattr
{
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "cudattr.dll");

    public static CudattrResult Run(params string[] arguments) => Run(new Dictionary<string, string>(), arguments);

    /// <summary>Runs with more environment variables.</summary>
    public static CudattrResult Run(IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        using var process = Start(arguments, environment);
        var output = process.StandardOutput.ReadToEndAsync();
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return new CudattrResult(process.ExitCode, output.Result, error);
    }

    /// <summary>Runs and demands success.</summary>
    public static CudattrResult Succeed(params string[] arguments)
    {
        var result = Run(arguments);
        Assert.That(result.ExitCode, Is.Zero, $"cudattr {string.Join(' ', arguments)}\n{result.Error}");
        return result;
    }

    /// <summary>Runs and demands failure with one clear message: exit code 1, what is wrong, no stack trace.</summary>
    public static string Fail(params string[] arguments)
    {
        var result = Run(arguments);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.ExitCode, Is.EqualTo(1), $"cudattr {string.Join(' ', arguments)}\n{result.Output}\n{result.Error}");
            Assert.That(result.Error, Does.Contain("cudattr: "));
            Assert.That(result.Error, Does.Not.Contain("   at CudaAttribution"), "a user's mistake must not show a stack trace");
        }
        return result.Error;
    }

    /// <summary>Starts and kills the process with SIGKILL as soon as <paramref name="reached"/> holds.</summary>
    public static void KillWhen(Func<bool> reached, params string[] arguments)
    {
        using var process = Start(arguments);
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        var watch = Stopwatch.StartNew();
        while (!reached())
        {
            Assert.That(process.HasExited, Is.False, "the process ended before it could be killed");
            Assert.That(watch.Elapsed, Is.LessThan(TimeSpan.FromMinutes(3)), "the process never got far enough to be killed");
            Thread.Sleep(2);
        }
        process.Kill();
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.EqualTo(137), "killed by SIGKILL");
    }

    /// <summary>Starts the program; the caller reads its output.</summary>
    public static Process Start(string[] arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        foreach (string argument in arguments.Prepend(Program)) start.ArgumentList.Add(argument);
        start.Environment["CUDATTR_LEDGER"] = Path.Combine(TestFolder.Shared, "runs.db");
        foreach (var (name, value) in environment ?? new Dictionary<string, string>()) start.Environment[name] = value;
        return Process.Start(start)!;
    }
}

internal sealed record CudattrResult(int ExitCode, string Output, string Error)
{
    public JsonElement Json => JsonDocument.Parse(Output).RootElement;
}
