using System.Runtime.CompilerServices;

namespace CudaAttribution.Driver.Tests.Contract;

public abstract partial class DeviceContract
{
    [Test]
    public void FindsKernelsByName()
    {
        IModule module = Device.Kernels;
        Assert.That(module.KernelNames, Is.Unique.And.Ordered.Using((IComparer<string>)StringComparer.Ordinal));
        Assert.That(module.KernelNames, Does.Contain(AddKernel.Name));
        IKernel found = module.GetKernel(AddKernel.Name);
        Assert.That(module.GetKernel(AddKernel.Name), Is.SameAs(found));
        Assert.That(module.Hash, Does.Match("^[0-9a-f]{64}$"));
        AssertStatus(() => module.GetKernel("no_such_kernel"), DeviceStatus.NotFound, "no_such_kernel");
        AssertStatus(() => module.GetKernel(""), DeviceStatus.NotFound);
    }

    [Test]
    public void KnowsEachKernelsParametersAndBlockSize()
    {
        foreach (string name in Device.Kernels.KernelNames)
        {
            IKernel kernel = Device.Kernels.GetKernel(name);
            Assert.That(kernel.Name, Is.EqualTo(name));
            Assert.That(kernel.BlockSize, Is.InRange(1, 1024), name);
            Assert.That(kernel.ParameterBytes, Is.InRange(1, 4096), name);
        }
        Assert.That(Device.Kernels.GetKernel(AddKernel.Name).ParameterBytes, Is.EqualTo(Unsafe.SizeOf<AddKernel.Params>()));
    }

    [Test]
    public void LaunchesAKernel()
    {
        WithAddOperands((a, b, y) =>
        {
            Device.Kernels.GetKernel(AddKernel.Name).Launch(new Grid(1), AddKernel.Of(a, b, y), Device.DefaultStream);
            Assert.That(Read(y, AddKernel.Count), Is.EqualTo(Ramp(AddKernel.Count, 11)));
        });
    }

    [Test]
    public void RefusesALaunchThatCannotBeRight()
    {
        IKernel add = Device.Kernels.GetKernel(AddKernel.Name);
        IStream stream = Device.DefaultStream;
        AssertStatus(() => add.Launch(new Grid(1), 1.0, stream), DeviceStatus.InvalidValue, AddKernel.Name, "32 parameter bytes", "Double");
        foreach (var grid in (Grid[])[new(0), new(-1), new(1, 0), new(1, 1, 0), new(1, 65536), new(1, 1, 65536)])
        {
            AssertStatus(() => add.Launch(grid, default(AddKernel.Params), stream), DeviceStatus.InvalidValue, AddKernel.Name, grid.ToString());
        }
    }

    [Test]
    public void LaunchesWithoutAllocating()
    {
        WithAddOperands((a, b, y) =>
        {
            IKernel add = Device.Kernels.GetKernel(AddKernel.Name);
            AddKernel.Params parameters = AddKernel.Of(a, b, y);
            for (int i = 0; i < 100; i++)
            {
                add.Launch(new Grid(1), parameters, Device.DefaultStream);
            }
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 100; i++)
            {
                add.Launch(new Grid(1), parameters, Device.DefaultStream);
            }
            Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
            Device.DefaultStream.Synchronize();
        });
    }
}
