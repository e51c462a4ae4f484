using System.Reflection;
using System.Runtime.InteropServices;

namespace CudaAttribution.Driver.Tests.Cuda;

[TestFixture]
public sealed class CudaApiTests
{
    [Test]
    public void EveryImportIsCheckedBeforeItsFirstCall()
    {
        string[] imported = [.. typeof(CudaApi)
            .GetMethods(BindingFlags.Static | BindingFlags.Public)
            .Select(method => method.GetCustomAttribute<LibraryImportAttribute>()?.EntryPoint)
            .OfType<string>()];
        Assert.That(imported, Is.Not.Empty);
        Assert.That(CudaApi.Required.Concat(CudaApi.Graphs), Is.EquivalentTo(imported));
    }
}
