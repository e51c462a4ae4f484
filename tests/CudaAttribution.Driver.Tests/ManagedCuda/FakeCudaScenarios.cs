using System.Runtime.InteropServices;
using CudaAttribution.Driver.Cuda;
using CudaAttribution.Driver.ManagedCuda;
using CudaAttribution.Driver.Probe;
using CudaAttribution.Driver.Tests.Contract;
using CudaAttribution.Driver.Tests.Cuda;

namespace CudaAttribution.Driver.Tests.ManagedCuda;

internal static unsafe partial class FakeCudaScenarios
{
    [Scenario]
    public static void TheContractHoldsForTheOwnBindingToo() => RunContract<OwnBindingDeviceTests>();

    [Scenario]
    public static void BothBindingsServeOneDevice()
    {
        using (IDevice managed = Devices.Open("cuda"))
        using (IDevice own = CudaDriver.Open(0))
        {
            Assert.That(managed, Is.TypeOf<ManagedCudaDriver>());
            Assert.That(managed.Info with { Binding = own.Info.Binding }, Is.EqualTo(own.Info));
            Assert.That(managed.Info.Binding, Is.EqualTo("ManagedCudaDriver"));
            Assert.That(managed.Kernels.Hash, Is.EqualTo(own.Kernels.Hash));
            IKernel ours = own.Kernels.GetKernel(AddKernel.Name);
            IKernel theirs = managed.Kernels.GetKernel(AddKernel.Name);
            Assert.That((theirs.BlockSize, theirs.Attributes), Is.EqualTo((ours.BlockSize, ours.Attributes)));
            var foreign = Assert.Throws<DeviceException>(() => theirs.Launch(new Grid(1), default(AddKernel.Params), own.DefaultStream))!;
            Assert.That(foreign.Status, Is.EqualTo(DeviceStatus.InvalidHandle));
        }
        AssertNothingLeft();
    }

    /// <summary>ManagedCuda hands the loader another name than the library's path, so it must be seen that it would talk to another driver.</summary>
    [Scenario(OnLoaderPath = "-DWITHOUT_GRAPHS")]
    public static void AnotherDriverOnTheLoadersPath()
    {
        string named = Environment.GetEnvironmentVariable(CudaLibrary.PathVariable)!;
        Unavailable(0, DeviceStatus.SystemDriverMismatch, named, "finds as libcuda", "LD_LIBRARY_PATH");
        Assert.That(Devices.ChooseAuto().Id, Is.EqualTo("cpu"));
        using IDevice own = CudaDriver.Open(0);
        Assert.That(own.Info.Binding, Is.EqualTo("CudaDriver"));
    }

    /// <summary>A driver without the name libcuda.so, as it is installed without its development files.</summary>
    [Scenario("LD_LIBRARY_PATH=")]
    public static void NoDriverOnTheLoadersPath()
    {
        if (NativeLibrary.TryLoad("libcuda.so", out _))
        {
            Unavailable(0, DeviceStatus.SystemDriverMismatch, "libcuda");
            return;
        }
        using IDevice device = Devices.Open("cuda");
        Assert.That(device.Info.Name, Is.EqualTo("Fake GPU 0"));
    }
}
