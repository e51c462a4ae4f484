using CudaAttribution.KernelReport.Bench;
using CudaAttribution.KernelReport.Page;

namespace CudaAttribution.KernelReport.Tests;

/// <summary>docs/kernels.md against the kernels as they are built now.</summary>
public sealed class CommittedPageTests
{
    [Test]
    public void Docs_kernels_tells_of_the_kernels_as_they_are()
    {
        using var work = new TemporaryFolder();
        var (exitCode, output) = Repository.Bash(null, "build/check-ptxas.sh", "--dump", work["dump"]);
        if (exitCode == 3) Assert.Ignore(output.Trim());
        Assert.That(exitCode, Is.Zero, output);
        string page = File.ReadAllText(Path.Combine(Repository.Root, "docs/kernels.md"));
        var module = ModuleReading.Of(work["dump"]);
        if (module.Tools != KernelPage.ToolsOf(page)) Assert.Ignore($"docs/kernels.md was made with {KernelPage.ToolsOf(page)}, here are {module.Tools}");
        var problems = PageComparison.Problems(page, KernelPage.Write(module, BenchPlan.All()));
        if (problems.Count > 0) Assert.Fail(string.Join('\n', [.. problems, PageComparison.Remedy]));
    }
}
