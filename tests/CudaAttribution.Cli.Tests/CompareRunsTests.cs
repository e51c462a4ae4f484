using System.Diagnostics;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Images;
using CudaAttribution.Tests;

namespace CudaAttribution.Cli.Tests;

/// <summary>build/compare-runs.sh: whether a change has changed a bit of a result.</summary>
public sealed class CompareRunsTests
{
    private readonly TestFolder _work = new();

    [OneTimeTearDown]
    public void Remove() => _work.Dispose();

    [Test]
    public void Files_that_name_device_and_time_do_not_count_and_all_others_do()
    {
        foreach (string run in new[] { "a", "b", "c" })
        {
            Directory.CreateDirectory(_work[$"{run}/images"]);
            byte[] png = ImageCodecs.EncodePng(RgbImage.Filled(3, 2, 1, 2, run == "c" ? (byte)4 : (byte)3));
            File.WriteAllBytes(_work[$"{run}/images/0.png"], run == "b" ? [.. png, 0] : png); // bytes after the end are no pixels
            _work.Write($"{run}/manifest.json", $"written by {run}");
        }
        Assert.That(Compare("a", "b"), Is.EqualTo((0, "2 files, the same bits; in pictures the same pixels\n")));
        var (code, output) = Compare("a", "c");
        Assert.That(code, Is.EqualTo(1));
        Assert.That(output, Does.Contain("images/0.png").And.EndWith("1 files differ\n").And.Not.Contain("manifest"));
        _work.Write("b/more.json", "{}");
        Assert.That(Compare("a", "b").Output, Does.Contain("more.json"));
        File.WriteAllBytes(_work["b/images/1.png"], []);
        Assert.That(Compare("a", "b").Output, Does.Contain("images/1.png"));
        Assert.That(Compare("a", "nothing").ExitCode, Is.EqualTo(2));
    }

    private (int ExitCode, string Output) Compare(string a, string b)
    {
        string script = Path.Combine(Repository.Root, "build/compare-runs.sh");
        var start = new ProcessStartInfo("bash", [script, _work[a], _work[b]]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output);
    }
}
