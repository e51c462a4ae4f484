using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using CudaAttribution.Driver.Host;
using CudaAttribution.Driver.Probe;
using CudaAttribution.Driver.Tests.Contract;

namespace CudaAttribution.Driver.Tests.Host;

[TestFixture]
public sealed class HostDriverTests
{
    [Test]
    public void TellsProcessorInstructionSetAndMemory()
    {
        using var device = HostDriver.OpenCpu();
        Assert.That(device.Info.Id, Is.EqualTo("cpu"));
        Assert.That(device.Info.Binding, Is.EqualTo("HostDriver"));
        Assert.That(device.Info.InstructionSet, Is.EqualTo(Avx512F.VL.IsSupported ? "avx512" : "avx2"));
        Assert.That(device.Info.Multiprocessors, Is.EqualTo(device.Threads));
        Assert.That(File.ReadAllText("/proc/cpuinfo"), Does.Contain(device.Info.Name));
        long machine = 1024 * long.Parse(File.ReadLines("/proc/meminfo").First().Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]);
        Assert.That(device.Info.MemoryBytes, Is.LessThanOrEqualTo(machine));
        Assert.That(device.LibraryPath, Does.EndWith($"libcuattr_cpu_{device.Info.InstructionSet}.so"));
        Assert.That(device.Kernels.Hash, Is.EqualTo(Sha256(device.LibraryPath)));
    }

    [Test]
    public void TakesTheInstructionSetThatIsForced()
    {
        using var settings = new Variables((HostProcessor.IsaVariable, "avx2"));
        using var device = HostDriver.OpenCpu();
        Assert.That(device.Info.InstructionSet, Is.EqualTo("avx2"));
    }

    [Test]
    public void RefusesAnInstructionSetItDoesNotHave()
    {
        using (new Variables((HostProcessor.IsaVariable, "sse2")))
        {
            AssertUnavailable("CUDATTR_ISA=sse2", "avx2 or avx512");
        }
        if (!Avx512F.VL.IsSupported)
        {
            using var settings = new Variables((HostProcessor.IsaVariable, "avx512"));
            AssertUnavailable("CUDATTR_ISA=avx512", "no AVX-512");
        }
    }

    [TestCase("0")]
    [TestCase("-2")]
    [TestCase("many")]
    [TestCase("99999")]
    public void RefusesAThreadCountThatIsNone(string text)
    {
        using var settings = new Variables((HostProcessor.ThreadsVariable, text));
        AssertUnavailable($"CUDATTR_THREADS={text}");
    }

    [Test]
    public void UsesTheThreadsItIsGiven()
    {
        using (new Variables((HostProcessor.ThreadsVariable, "3")))
        using (var device = HostDriver.OpenCpu())
        {
            Assert.That(device.Threads, Is.EqualTo(3));
            Assert.That(device.Info.Multiprocessors, Is.EqualTo(3));
            device.Threads = 1;
            Assert.That(device.Threads, Is.EqualTo(1));
            Assert.That(() => device.Threads = -1, Throws.InstanceOf<DeviceException>());
            using var asked = (HostDriver)Devices.Open("simt", threads: 2);
            Assert.That(asked.Info.Multiprocessors, Is.EqualTo(2), "what is asked goes before the variable");
        }
        using var usual = HostDriver.OpenCpu();
        Assert.That(usual.Threads, Is.EqualTo(Environment.ProcessorCount));
    }

    [TestCase("cpu", 0)]
    [TestCase("simt", -1)]
    [TestCase("auto", 1025)]
    public void RefusesToBeAskedForOtherNumbersOfThreads(string id, int threads) =>
        Assert.That(() => Devices.Open(id, threads), Throws.TypeOf<DeviceUnavailableException>().With.Message.Contains($"{threads} threads: use 1 to 1024"));

    [TestCase("cuda")]
    [TestCase("cuda:3")]
    public void RefusesThreadsForAGpu(string id) =>
        Assert.That(() => Devices.Open(id, threads: 2), Throws.TypeOf<DeviceUnavailableException>().With.Message.Contains("only cpu and simt"));

    [Test]
    public void CountsLiveBytesAndStopsAtTheMachinesMemory()
    {
        using var device = HostDriver.OpenCpu();
        nint a = device.Allocate(1000);
        nint b = device.Allocate(24);
        Assert.That((device.LiveAllocations, device.LiveBytes), Is.EqualTo((2, 1024L)));
        var error = Assert.Throws<DeviceOutOfMemoryException>(() => device.Allocate(device.Info.MemoryBytes - 1023))!;
        Assert.That(error.Message, Does.Contain("1,024 of"));
        device.Free(a);
        device.Free(b);
        Assert.That((device.LiveAllocations, device.LiveBytes), Is.EqualTo((0, 0L)));
    }

    [Test]
    public void RunsThreadsOfABlockInAnyOrderOnSimt()
    {
        using var device = HostDriver.OpenSimt();
        nint memory = device.Allocate(3 * AddKernel.Bytes);
        float[] values = [.. Enumerable.Range(0, 2 * AddKernel.Count).Select(i => i * 0.5f)];
        device.CopyToDevice(memory, MemoryMarshal.AsBytes(values.AsSpan()), device.DefaultStream);
        nint y = memory + 2 * (nint)AddKernel.Bytes;
        float[] first = Add();
        device.SetOption("random_order", 12345);
        float[] second = Add();
        device.SetOption("random_order", 0);
        Assert.That(second, Is.EqualTo(first));
        Assert.That(first[^1], Is.EqualTo((AddKernel.Count - 1) * 0.5f + (2 * AddKernel.Count - 1) * 0.5f));
        device.Free(memory);

        float[] Add()
        {
            device.Fill(y, 0xff, AddKernel.Bytes, device.DefaultStream);
            AddKernel.Params parameters = AddKernel.Of(memory, memory + (nint)AddKernel.Bytes, y);
            device.Kernels.GetKernel(AddKernel.Name).Launch(new Grid(1), parameters, device.DefaultStream);
            float[] sums = new float[AddKernel.Count];
            device.CopyToHost(MemoryMarshal.AsBytes(sums.AsSpan()), y, device.DefaultStream);
            return sums;
        }
    }

    [Test]
    public void NamesAnOptionItDoesNotHave()
    {
        using var device = HostDriver.OpenCpu();
        var error = Assert.Throws<DeviceException>(() => device.SetOption("no_such_option", 1))!;
        Assert.That(error.Status, Is.EqualTo(DeviceStatus.InvalidValue));
        Assert.That(error.Message, Does.Contain("no_such_option"));
    }

    [TestCase("gpu")]
    [TestCase("")]
    [TestCase("cuda:")]
    [TestCase("cuda:-1")]
    [TestCase("cuda:1x")]
    [TestCase("CPU")]
    public void RefusesDevicesItDoesNotKnow(string id)
    {
        Assert.That(() => Devices.Open(id), Throws.TypeOf<DeviceUnavailableException>().With.Message.Contains("auto, cpu, simt, cuda or cuda:N"));
    }

    private static void AssertUnavailable(params string[] words)
    {
        var error = Assert.Throws<DeviceUnavailableException>(() => HostDriver.OpenCpu())!;
        foreach (string word in words)
        {
            Assert.That(error.Message, Does.Contain(word));
        }
    }

    private static string Sha256(string path) => Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(path)));
}
