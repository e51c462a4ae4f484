using System.Reflection;

namespace CudaAttribution.GpuQueue.Tests;

public sealed class ArchitectureTests
{
    /// <summary>What travels to a GPU machine stays small: no web server, no pictures, nothing of the attribution.</summary>
    [Test]
    public void The_queue_rests_on_devices_tensors_and_models_only()
    {
        var product = Assembly.Load("gpu-queue").GetReferencedAssemblies().Select(a => a.Name!).Where(n => n.StartsWith("CudaAttribution", StringComparison.Ordinal));
        Assert.That(product, Is.SubsetOf(new[] { "CudaAttribution.Driver", "CudaAttribution.Tensors", "CudaAttribution.Models" }).And.Not.Empty);
        Assert.That(File.Exists(Path.Combine(AppContext.BaseDirectory, "CudaAttribution.Data.dll")), Is.False);
    }
}
