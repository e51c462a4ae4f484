using System.Reflection;
using System.Runtime.InteropServices;
using CudaAttribution.Driver.Cuda;

namespace CudaAttribution.Driver.Tests.Cuda;

[TestFixture]
public sealed class CudaImportsTests
{
    [Test]
    public void EveryImportIsCheckedBeforeItsFirstCall()
    {
        string[] imported = [.. typeof(CudaImports)
            .GetMethods(BindingFlags.Static | BindingFlags.Public)
            .Select(method => method.GetCustomAttribute<LibraryImportAttribute>()?.EntryPoint)
            .OfType<string>()];
        Assert.That(imported, Is.Not.Empty);
        Assert.That(CudaImports.Required.Concat(CudaImports.Graphs), Is.EquivalentTo(imported));
    }
}
