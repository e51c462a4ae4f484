using System.Reflection;

namespace CudaAttribution.Cli.Tests;

/// <summary>
/// The arrows between the product's assemblies: Driver &lt;- Tensors &lt;- Models &lt;- CudaAttribution -&gt; Data, and the command line on top.
/// </summary>
public sealed class ArchitectureTests
{
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["CudaAttribution.Driver"] = [],
        ["CudaAttribution.Tensors"] = ["CudaAttribution.Driver"],
        ["CudaAttribution.Models"] = ["CudaAttribution.Tensors", "CudaAttribution.Driver"],
        ["CudaAttribution.Data"] = [],
        ["CudaAttribution"] = ["CudaAttribution.Models", "CudaAttribution.Tensors", "CudaAttribution.Driver", "CudaAttribution.Data"],
        ["cudattr"] = ["CudaAttribution", "CudaAttribution.Models", "CudaAttribution.Tensors", "CudaAttribution.Driver", "CudaAttribution.Data"],
    };

    [TestCaseSource(nameof(Assemblies))]
    public void References_only_what_lies_below(string name)
    {
        var references = Assembly.LoadFrom(Path.Combine(AppContext.BaseDirectory, name + ".dll")).GetReferencedAssemblies()
            .Select(a => a.Name!).Where(a => Allowed.ContainsKey(a));
        Assert.That(references, Is.SubsetOf(Allowed[name]));
    }

    [Test]
    public void Covers_every_assembly_of_the_product()
    {
        var built = Directory.EnumerateFiles(AppContext.BaseDirectory, "CudaAttribution*.dll")
            .Select(f => Path.GetFileNameWithoutExtension(f)!)
            .Where(n => !n.EndsWith(".Tests", StringComparison.Ordinal));
        Assert.That(built, Is.SubsetOf(Allowed.Keys));
    }

    private static IEnumerable<string> Assemblies => Allowed.Keys;
}
