using CudaAttribution.Driver.Libraries;
using CudaAttribution.Driver.Probe;

namespace CudaAttribution.Driver.Tests.Probe;

[TestFixture]
public sealed class DeviceProbeTests
{
    [Test]
    public void ReportsHostDevicesAndLibraries()
    {
        DeviceReport report = DeviceProbe.Run();
        Assert.That(report.Host.Processors, Is.EqualTo(Environment.ProcessorCount));
        Assert.That(report.Host.InstructionSets, Does.Contain("avx2"));
        Assert.That(report.Devices.Select(device => device.Id).Take(2), Is.EqualTo((string[])["cpu", "simt"]));
        Assert.That(report.Devices[0].Info!.Name, Is.EqualTo(report.Host.Processor));
        Assert.That(report.Devices[0].Problem, Is.Null);
        foreach (string file in (string[])["libcuattr_cpu_avx2.so", "libcuattr_cpu_avx512.so", "libcuattr_simt.so", "libcuattr_dnnl.so"])
        {
            ProbedLibrary library = report.Libraries.Single(library => library.File == file);
            Assert.That(library.Path, Is.EqualTo(Path.Combine(AppContext.BaseDirectory, file)));
            Assert.That(library.AbiVersion, Is.EqualTo(file == "libcuattr_dnnl.so" ? 1 : 2), file);
            Assert.That(library.Description, Is.Not.Empty, file);
        }
        Assert.That(report.Auto, Is.EqualTo(Devices.ChooseAuto()));
    }

    [Test]
    public void SaysWhyADeviceIsNotThere()
    {
        using var folder = new TemporaryFolder();
        using var settings = new Variables((NativeLibraryLocator.DirectoryVariable, folder.Root));
        DeviceReport report = DeviceProbe.Run();
        Assert.That(report.Devices[0].Info, Is.Null);
        Assert.That(report.Devices[0].Problem, Does.Contain(folder.Root));
        Assert.That(report.Libraries.Select(library => library.Path), Is.All.Null);
        Assert.That(report.Libraries.Select(library => library.Tried[0].Outcome), Is.All.EqualTo("not there"));
    }
}
