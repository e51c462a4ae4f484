using System.Diagnostics;
using CudaAttribution.Tests;

namespace CudaAttribution.Cli.Tests;

/// <summary>The published file on a machine that has nothing: an empty environment.</summary>
[Category("Slow")]
public sealed class PublishTests
{
    private static readonly TestFolder Work = new();

    private static string Program => Work["published/cudattr"];

    [OneTimeSetUp]
    public void Publish()
    {
        var published = Run([], "bash", "build/publish.sh", Work["published"]);
        Assert.That(published.ExitCode, Is.Zero, published.Output + published.Error);
    }

    [OneTimeTearDown]
    public void Remove() => Work.Dispose();

    [Test]
    public void It_is_one_file_with_models_and_licences_beside_it()
    {
        string[] entries = [.. Directory.EnumerateFileSystemEntries(Work["published"]).Select(e => Path.GetFileName(e)!)];
        Assert.That(entries, Is.EquivalentTo((string[])["cudattr", "licences", "models"]));
        Assert.That(new FileInfo(Program).Length, Is.LessThan(31L << 20));
        Assert.That(File.ReadAllText(Work["published/licences/SixLabors.ImageSharp.txt"]), Does.Contain("Apache License"));
        Assert.That(File.ReadAllText(Work["published/licences/BouncyCastle.Cryptography.txt"]), Does.Contain("Bouncy Castle"));
    }

    [Test]
    public void It_starts_in_an_empty_environment_and_says_what_is_missing()
    {
        var doctor = Run([], "env", "-i", Program, "doctor");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(doctor.ExitCode, Is.Zero, doctor.Error);
            Assert.That(doctor.Output, Does.Contain("cpu ").And.Contain("simt ").And.Contain("ImageSharp 2.1.13"));
            Assert.That(doctor.Output, Does.Contain("no NVIDIA driver library was found").And.Contain("tried libcuda.so.1"));
        }
        var gpu = Run([], "env", "-i", Program, "verify", "--device", "cuda:0");
        Assert.That(gpu.ExitCode, Is.EqualTo(1));
        Assert.That(gpu.Error, Does.StartWith("cudattr: no NVIDIA driver library was found; install the NVIDIA driver"));
    }

    [Test]
    public void It_draws_the_pictures_of_the_built_program()
    {
        string[] sample = ["sample", "--model", "models/source", "--prompt", "red apple", "--sample-steps", "3", "--device", "cpu"];
        var result = Run([], [Program, .. sample, "--out", Work["drawn"], "--ledger", Work["runs.db"]]);
        Assert.That(result.ExitCode, Is.Zero, result.Error);
        string model = Path.Combine(AppContext.BaseDirectory, "models/source");
        Cudattr.Succeed([.. sample.Select(a => a == "models/source" ? model : a), "--out", Work["built"]]);
        Assert.That(Pictures("drawn"), Is.EqualTo(Pictures("built")).And.Not.Empty);
    }

    /// <summary>The library for it is trimmed.</summary>
    [Test]
    public void It_checks_time_stamps_and_makes_keys()
    {
        const string golden = "tests/golden/timestamps";
        var stamp = Run([], Program, "evidence", "check-stamp", golden, "--reply", $"{golden}/granted.tsr", "--trust", $"{golden}/root.pem");
        Assert.That(stamp.ExitCode, Is.Zero, stamp.Error);
        Assert.That(stamp.Output, Does.Contain("vouched for by"));
        var key = Run([], Program, "evidence", "keygen", "--out", Work["key.pem"]);
        Assert.That(key.ExitCode, Is.Zero, key.Error);
    }

    private static Dictionary<string, string> Pictures(string folder) => TestFolder.Contents(Work[folder])
        .Where(file => file.Key.EndsWith(".png", StringComparison.Ordinal))
        .ToDictionary(file => file.Key, file => file.Value);

    private static CudattrResult Run(Dictionary<string, string> environment, params string[] command)
    {
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            WorkingDirectory = Repository.Root, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return new CudattrResult(process.ExitCode, output.Result, error);
    }
}
