using CudaAttribution.Driver.Cuda;
using CudaAttribution.Driver.Tests.Contract;

namespace CudaAttribution.Driver.Tests.ManagedCuda;

/// <summary>The contract on the binding that the build does not choose, so that a build with ManagedCuda proves both.</summary>
[TestFixture]
[Category("Gpu")]
public sealed class OwnBindingDeviceTests : CudaContract
{
    protected override IDevice Open() => CudaDriver.Open(0);
}
