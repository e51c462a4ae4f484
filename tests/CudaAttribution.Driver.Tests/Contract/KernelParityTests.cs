namespace CudaAttribution.Driver.Tests.Contract;

/// <summary>The three builds of the kernels declare the same entries.</summary>
[TestFixture]
public sealed class KernelParityTests
{
    [Test]
    public void PtxAndHostLibrariesHaveTheSameKernels()
    {
        using IDevice simt = Devices.Open("simt");
        using IDevice cpu = Devices.Open("cpu");
        IReadOnlyList<PtxEntry> entries = PtxModuleText.Entries(CudaDevice.EmbeddedPtx());
        Assert.That(entries, Is.Not.Empty);
        Assert.That(simt.Kernels.KernelNames, Is.EqualTo(entries.Select(entry => entry.Name)));
        Assert.That(cpu.Kernels.KernelNames, Is.EqualTo(entries.Select(entry => entry.Name)));
        using (Assert.EnterMultipleScope())
        {
            foreach (PtxEntry entry in entries)
            {
                IKernel threaded = simt.Kernels.GetKernel(entry.Name);
                IKernel single = cpu.Kernels.GetKernel(entry.Name);
                Assert.That(threaded.ParameterBytes, Is.EqualTo(entry.ParameterBytes), $"{entry.Name}: parameter bytes, simt and PTX");
                Assert.That(single.ParameterBytes, Is.EqualTo(entry.ParameterBytes), $"{entry.Name}: parameter bytes, cpu and PTX");
                Assert.That(threaded.BlockSize, Is.EqualTo(entry.MaxThreads), $"{entry.Name}: block size, simt and PTX");
                Assert.That(single.BlockSize, Is.EqualTo(1), $"{entry.Name}: block size on cpu");
            }
        }
    }
}
