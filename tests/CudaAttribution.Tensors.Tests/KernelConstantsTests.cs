using System.Reflection;
using System.Text.RegularExpressions;
using CudaAttribution.Driver.Cuda;
using CudaAttribution.Tests;

namespace CudaAttribution.Tensors.Tests;

/// <summary>The numbers that launches take from the kernels, in their three places: source, module and C#.</summary>
public sealed partial class KernelConstantsTests
{
    private static Dictionary<string, int> InCSharp { get; } = typeof(Tensor).Assembly.GetType("CudaAttribution.Tensors.KernelConstants")!
        .GetFields(BindingFlags.Public | BindingFlags.Static).ToDictionary(f => f.Name, f => (int)f.GetRawConstantValue()!);

    [Test]
    public void Every_constant_of_the_sources_is_there()
    {
        var declared = Directory.EnumerateFiles(Path.Combine(Repository.Root, "kernels"), "*.cu*")
            .SelectMany(f => Declaration().Matches(File.ReadAllText(f)).Select(m => m.Groups[1].Value));
        Assert.That(InCSharp.Keys, Is.EquivalentTo(declared).And.Not.Empty);
    }

    [Test]
    public void They_are_those_of_the_module_that_is_loaded() => Assert.That(
        InCSharp, Is.EquivalentTo(InModule().Matches(CudaDevice.EmbeddedPtx()).ToDictionary(m => m.Groups[1].Value, m => int.Parse(m.Groups[2].ValueSpan))));

    [GeneratedRegex(@"^KERNEL_CONSTANT\((\w+),", RegexOptions.Multiline)]
    private static partial Regex Declaration();

    [GeneratedRegex(@"(\w+)_kernel_constant = (\d+);")]
    private static partial Regex InModule();
}
