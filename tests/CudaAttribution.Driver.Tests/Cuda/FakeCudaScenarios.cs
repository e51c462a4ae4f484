using System.Reflection;
using System.Runtime.InteropServices;
using CudaAttribution.Driver.Cuda;
using CudaAttribution.Driver.Libraries;
using CudaAttribution.Driver.Probe;
using CudaAttribution.Driver.Tests.Contract;

namespace CudaAttribution.Driver.Tests.Cuda;

/// <summary>Which driver library and which settings of it a scenario runs under.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ScenarioAttribute(params string[] settings) : Attribute
{
    /// <summary>Environment of the child process, <c>NAME=value</c> each.</summary>
    public string[] Settings { get; } = settings;

    /// <summary>Whether a test of its own runs it.</summary>
    public bool OnDemand { get; init; }

    /// <summary>Compiler options with which the fake driver is built, or a path to use in its place where it starts with a slash.</summary>
    public string Library { get; init; } = "";

    /// <summary>Compiler options of another build of the fake driver, which the loader finds as libcuda.so; the same one where null.</summary>
    public string? OnLoaderPath { get; init; }
}

/// <summary>
/// What happens under a driver that is not as it should be. Each method is run in a process of its own, because a process binds one driver library.
/// </summary>
internal static unsafe partial class FakeCudaScenarios
{
    private const string ChosenBinding =
#if MANAGEDCUDA
        "ManagedCudaDriver";
#else
        "CudaDriver";
#endif

    public static IEnumerable<MethodInfo> All => typeof(FakeCudaScenarios)
        .GetMethods(BindingFlags.Static | BindingFlags.Public)
        .Where(method => method.GetCustomAttribute<ScenarioAttribute>() is not null);

    /// <summary>Entry point of the child: 0 where the scenario of that name held.</summary>
    public static int Run(string[] args)
    {
        var scenario = All.SingleOrDefault(method => args.Length == 1 && method.Name == args[0]);
        if (scenario is null)
        {
            Console.Error.WriteLine("usage: dotnet CudaAttribution.Driver.Tests.dll <scenario>");
            return 2;
        }
        try
        {
            scenario.Invoke(null, null);
            return 0;
        }
        catch (TargetInvocationException e)
        {
            Console.Error.WriteLine(e.InnerException);
            return 1;
        }
    }

    [Scenario]
    public static void TheContractHolds() => RunContract<CudaDeviceTests>();

    [Scenario(Library = "/no/such/folder/libcuda.so.1")]
    public static void NoDriverLibrary()
    {
        Unavailable(0, DeviceStatus.NotInitialized, "/no/such/folder/libcuda.so.1", "No such file", "install the NVIDIA driver");
        AutoChoice choice = Devices.ChooseAuto();
        Assert.That(choice.Id, Is.EqualTo("cpu"));
        Assert.That(choice.Reason, Does.Contain("/no/such/folder/libcuda.so.1"));
        using IDevice device = Devices.Open("auto");
        Assert.That(device.Info.Id, Is.EqualTo("cpu"));
    }

    [Scenario(Library = "/etc/passwd")]
    public static void NotALibrary() => Unavailable(0, DeviceStatus.NotInitialized, "/etc/passwd", "ELF");

    [Scenario("FAKE_CUDA_VERSION=10020")]
    public static void DriverTooOld() => Unavailable(0, DeviceStatus.SystemDriverMismatch, "CUDA 10.2", "CUDA 11.0", "450.80");

    [Scenario("FAKE_CUDA_DEVICES=0")]
    public static void NoDevice() => Unavailable(0, DeviceStatus.NoDevice, "CUDA_ERROR_NO_DEVICE");

    [Scenario("FAKE_CUDA_DEVICES=0", "FAKE_CUDA_INIT=0")]
    public static void NoVisibleDevice() => Unavailable(0, DeviceStatus.NoDevice, "CUDA_VISIBLE_DEVICES");

    [Scenario("FAKE_CUDA_INIT=999")]
    public static void DriverDoesNotStart() =>
        Unavailable(0, DeviceStatus.Unknown, "initialise the driver", "sentence for error 999", "CUDA_ERROR_999");

    [Scenario("FAKE_CUDA_DEVICES=2")]
    public static void DeviceIndexOutOfRange()
    {
        Unavailable(2, DeviceStatus.InvalidDevice, "cuda:2", "2 device(s)");
        using IDevice second = Devices.Open("cuda:1");
        Assert.That(second.Info.Name, Is.EqualTo("Fake GPU 1"));
        Assert.That(Devices.ChooseAuto().Id, Is.EqualTo("cuda:0"));
    }

    [Scenario("FAKE_CUDA_CAPABILITY=75")]
    public static void DeviceOlderThanTheKernels()
    {
        Unavailable(0, DeviceStatus.NoBinaryForGpu, "7.5", "8.0", "Fake GPU 0");
        Assert.That(Devices.ChooseAuto().Id, Is.EqualTo("cpu"));
    }

    [Scenario(Library = "-DWITHOUT_MEMSET")]
    public static void FunctionMissing() => Unavailable(0, DeviceStatus.NotSupported, "cuMemsetD8Async", "newer NVIDIA driver");

    [Scenario(Library = "-DWITHOUT_GRAPHS")]
    public static void GraphFunctionsMissing()
    {
        using IDevice device = Devices.Open("cuda");
        var error = Assert.Throws<DeviceUnavailableException>(() => device.BeginCapture(device.DefaultStream))!;
        Assert.That(error.Message, Does.Contain("cuStreamBeginCapture_v2").And.Contain("CUDA 11.4"));
        device.DefaultStream.Synchronize();
    }

    // The first allocation of an opened device is its staging buffer.
    [Scenario("FAKE_CUDA_OOM_AT=1")]
    public static void OutOfMemoryWhileOpening()
    {
        var error = Assert.Throws<DeviceOutOfMemoryException>(() => Devices.Open("cuda"))!;
        Assert.That(error.Message, Does.Contain("page-lock"), "the staging buffer");
        AssertNothingLeft();
    }

    [Scenario("FAKE_CUDA_OOM_AT=4")]
    public static void OutOfMemoryLater()
    {
        using (CudaDevice device = Open())
        {
            nint first = device.Allocate(1000);
            nint second = device.Allocate(500);
            var error = Assert.Throws<DeviceOutOfMemoryException>(() => device.Allocate(123_456))!;
            Assert.That(error.Requested, Is.EqualTo(123_456));
            Assert.That(error.Code, Is.EqualTo("CUDA_ERROR_OUT_OF_MEMORY"));
            Assert.That(error.Message, Does.Contain("cuda:0").And.Contain("8,589,933,092 of").And.Contain("1,500"));
            Assert.That(device.LiveAllocations, Is.EqualTo(2));
            Assert.That(device.LiveBytes, Is.EqualTo(1500));
            device.Free(device.Allocate(123_456));
            device.Free(first);
            device.Free(second);
        }
        AssertNothingLeft();
    }

    [Scenario]
    public static void BadPtx()
    {
        using CudaDevice device = Open();
        var error = Assert.Throws<DeviceException>(() => device.LoadModule("nonsense"))!;
        Assert.That(error.Status, Is.EqualTo(DeviceStatus.InvalidPtx));
        Assert.That(error.Code, Is.EqualTo("CUDA_ERROR_INVALID_PTX"));
        Assert.That(error.Message, Does.Contain("Missing .version directive").And.Contain("cuda:0"));
        device.Free(device.Allocate(16));
    }

    /// <summary>Of 48 KB a block may have any part; for more the kernel's function must be given leave, without which the fake driver refuses.</summary>
    [Scenario("FAKE_CUDA_KERNELS=", "FAKE_CUDA_SHARED_LIMIT=100000")]
    public static void AKernelGetsTheDynamicSharedMemoryItDeclares()
    {
        using CudaDevice device = Open();
        using IModule module = device.LoadModule(SharedKernels((0, "none"), (16384, "little"), (98304, "much"), (100352, "too_much")));
        foreach (var (name, bytes) in new[] { ("much", 98304), ("little", 16384), ("none", 0) })
        {
            module.GetKernel(name).Launch(new Grid(1), 1L, device.DefaultStream);
            Assert.That(Fake("fake_last_shared"), Is.EqualTo(bytes), name);
        }
        var error = Assert.Throws<DeviceException>(() => module.GetKernel("too_much"))!;
        Assert.That(error.Status, Is.EqualTo(DeviceStatus.InvalidValue));
        Assert.That(error.Message, Does.Contain("kernel too_much").And.Contain("100352 bytes of dynamic").And.Contain("at most 100000"));
    }

    /// <summary>Run by <see cref="FakeCudaTests.TheSelftestKernelRunsInItsDynamicSharedMemory"/>, which names PTX and library of the native tests.</summary>
    [Scenario(OnDemand = true)]
    public static void TheSelftestKernelReversesItsTile()
    {
        const int Count = 24 * 1024;
        using CudaDevice device = Open();
        using IModule module = device.LoadModule(File.ReadAllText(Environment.GetEnvironmentVariable("SELFTEST_PTX")!));
        float[] x = [.. Enumerable.Range(0, Count).Select(i => i + 1f)], y = new float[Count];
        nint from = device.Allocate(4 * Count), to = device.Allocate(4 * Count);
        device.CopyToDevice(from, MemoryMarshal.AsBytes(x.AsSpan()), device.DefaultStream);
        module.GetKernel("selftest_shared_f32").Launch(new Grid(1), (from, to), device.DefaultStream);
        device.CopyToHost(MemoryMarshal.AsBytes(y.AsSpan()), to, device.DefaultStream);
        Assert.That(y, Is.EqualTo(x.Reverse().Select(v => v + x[0])));
        Assert.That(Fake("fake_last_shared"), Is.EqualTo(4 * Count));
    }

    [Scenario("FAKE_CUDA_CAPABILITY=89")]
    public static void ACubinIsLoadedInPlaceOfPtx()
    {
        using var folder = new TemporaryFolder();
        using var settings = new Variables((NativeLibraryLocator.DirectoryVariable, folder.Root));
        CubinFolder.Write(folder.Root, CudaDevice.EmbeddedPtx(), "sm_80", "sm_90");
        using IDevice device = Devices.Open("cuda");
        Assert.That(device.Kernels.Image, Is.EqualTo("kernels.sm_80.cubin (ptxas 12.4.131)"));
        Assert.That(Fake("fake_cubins"), Is.EqualTo(1));
        device.Kernels.GetKernel(AddKernel.Name).Launch(new Grid(1), default(AddKernel.Params), device.DefaultStream);
        using IModule ptx = ((CudaDevice)device).LoadModule(CudaDevice.EmbeddedPtx());
        Assert.That(ptx.Image, Is.EqualTo("PTX, compiled by the driver"));
        Assert.That(ptx.Hash, Is.Not.EqualTo(device.Kernels.Hash));
        Assert.That(Fake("fake_cubins"), Is.EqualTo(1));
    }

    [Scenario("FAKE_CUDA_REFUSE_CUBIN=1")]
    public static void ARefusedCubinIsAnErrorAndNotPtx()
    {
        using var folder = new TemporaryFolder();
        using var settings = new Variables((NativeLibraryLocator.DirectoryVariable, folder.Root));
        CubinFolder.Write(folder.Root, CudaDevice.EmbeddedPtx(), "sm_90");
        var error = Assert.Throws<DeviceException>(() => Devices.Open("cuda"))!;
        Assert.That(error.Status, Is.EqualTo(DeviceStatus.NoBinaryForGpu));
        Assert.That(error.Message, Does.Contain("load kernels.sm_90.cubin (ptxas 12.4.131) for cuda:0").And.Contain("Cubin does not fit"));
        Assert.That(error.Message, Does.Contain("build/cubins.sh"));
        AssertNothingLeft();
    }

    [Scenario]
    public static void TheProbeTellsTheImageOrWhatIsWrongWithIt()
    {
        using var folder = new TemporaryFolder();
        using var settings = new Variables((NativeLibraryLocator.DirectoryVariable, folder.Root));
        Assert.That(DeviceProbe.Run().Devices[^1].Kernels, Is.EqualTo("PTX, compiled by the driver"));
        string list = CubinFolder.Write(folder.Root, CudaDevice.EmbeddedPtx(), "sm_90");
        Assert.That(DeviceProbe.Run().Devices[^1].Kernels, Is.EqualTo("kernels.sm_90.cubin (ptxas 12.4.131)"));
        File.Delete(Path.Combine(folder.Root, "kernels.sm_90.cubin"));
        Assert.That(DeviceProbe.Run().Devices[^1].Info, Is.Null);
        Assert.That(DeviceProbe.Run().Devices[^1].Problem, Does.Contain(list));
    }

    [Scenario("FAKE_CUDA_LAUNCH=701")]
    public static void LaunchRefused()
    {
        using IDevice device = Devices.Open("cuda");
        IKernel add = device.Kernels.GetKernel(AddKernel.Name);
        var error = Assert.Throws<DeviceException>(() => add.Launch(new Grid(3, 2), default(AddKernel.Params), device.DefaultStream))!;
        Assert.That(error.Status, Is.EqualTo(DeviceStatus.LaunchOutOfResources));
        Assert.That(error.Code, Is.EqualTo("CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES"));
        Assert.That(error.Message, Does.Contain(AddKernel.Name).And.Contain("(3, 2, 1)").And.Contain($"{add.BlockSize} threads"));
    }

    [Scenario("FAKE_CUDA_MAX_THREADS=1024")]
    public static void BlocksHaveTheSizeTheKernelDeclares()
    {
        using IDevice device = Devices.Open("cuda");
        foreach (PtxEntry entry in PtxModuleText.Entries(CudaDevice.EmbeddedPtx()))
        {
            Assert.That(device.Kernels.GetKernel(entry.Name).BlockSize, Is.EqualTo(entry.MaxThreads), entry.Name);
        }
        device.Kernels.GetKernel(AddKernel.Name).Launch(new Grid(1), default(AddKernel.Params), device.DefaultStream);
    }

    [Scenario("FAKE_CUDA_MAX_THREADS=128")]
    public static void AKernelThatTakesFewerThreadsThanItDeclaresIsRefused()
    {
        using IDevice device = Devices.Open("cuda");
        var error = Assert.Throws<DeviceException>(() => device.Kernels.GetKernel(AddKernel.Name))!;
        Assert.That(error.Status, Is.EqualTo(DeviceStatus.LaunchOutOfResources));
        Assert.That(error.Message, Does.Contain(AddKernel.Name).And.Contain("256 threads").And.Contain("at most 128").And.Contain("cuda:0"));
    }

    [Scenario]
    public static void AKernelWithoutALaunchBoundIsRefused()
    {
        using CudaDevice device = Open();
        using IModule module = device.LoadModule(CudaDevice.EmbeddedPtx().Replace(".maxntid", "//", StringComparison.Ordinal));
        var error = Assert.Throws<DeviceException>(() => module.GetKernel(AddKernel.Name))!;
        Assert.That(error.Status, Is.EqualTo(DeviceStatus.InvalidPtx));
        Assert.That(error.Message, Does.Contain(AddKernel.Name).And.Contain("launch bound"));
    }

    [Scenario("FAKE_CUDA_FAULT=700")]
    public static void KernelFaults()
    {
        using IDevice device = Devices.Open("cuda");
        device.Kernels.GetKernel(AddKernel.Name).Launch(new Grid(1), default(AddKernel.Params), device.DefaultStream);
        var error = Assert.Throws<DeviceException>(device.DefaultStream.Synchronize)!;
        Assert.That(error.Status, Is.EqualTo(DeviceStatus.IllegalAddress));
        Assert.That(error.Code, Is.EqualTo("CUDA_ERROR_ILLEGAL_ADDRESS"));
        // Leaving the scope disposes a device on which every call fails: no exception may replace the one above.
    }

    [Scenario]
    public static void DisposingGivesEverythingBack()
    {
        CudaDevice device = Open();
        device.Allocate(100);
        device.Allocate(50);
        Assert.That(device.LiveAllocations, Is.EqualTo(2));
        device.Dispose();
        AssertNothingLeft();
    }

    [Scenario]
    public static void ItsContextIsMadeCurrentForOtherLibraries()
    {
        using IDevice device = Devices.Open("cuda");
        nint fake = NativeLibrary.Load(Environment.GetEnvironmentVariable(CudaLibrary.PathVariable)!);
        var memory = (delegate* unmanaged[Cdecl]<nuint*, nuint*, int>)NativeLibrary.GetExport(fake, "cuMemGetInfo_v2");
        int before = 0, after = 0;
        var thread = new Thread(() =>
        {
            nuint free, total;
            before = memory(&free, &total);
            device.MakeCurrent();
            after = memory(&free, &total);
        });
        thread.Start();
        thread.Join();
        Assert.That((DeviceStatus)before, Is.EqualTo(DeviceStatus.InvalidContext));
        Assert.That((DeviceStatus)after, Is.EqualTo(DeviceStatus.Success));
    }

    [Scenario]
    public static void TheDeviceIsDescribed()
    {
        using IDevice device = Devices.Open("cuda");
        Assert.That(device.Info, Is.EqualTo(new DeviceInfo("cuda:0", "Fake GPU 0", ChosenBinding, "sm_90", "CUDA 12.4", 8L << 30, 7) { CacheBytes = 1 << 16 }));
    }

    [Scenario("FAKE_CUDA_DEVICES=2")]
    public static void TheProbeListsEachDevice()
    {
        DeviceReport report = DeviceProbe.Run();
        Assert.That(report.Devices.Select(device => device.Info?.Name).Skip(2), Is.EqualTo((string[])["Fake GPU 0", "Fake GPU 1"]));
        Assert.That(report.Devices[^1].Tried.Single().Outcome, Is.EqualTo("loaded"));
        Assert.That(report.Auto.Id, Is.EqualTo("cuda:0"));
        Assert.That(report.Auto.Reason, Does.Contain("Fake GPU 0"));
        AssertNothingLeft();
    }

    [Scenario("FAKE_CUDA_DEVICES=2", "FAKE_CUDA_CAPABILITY=70")]
    public static void TheProbeSaysWhyADeviceDoesNotFit()
    {
        DeviceReport report = DeviceProbe.Run();
        Assert.That(report.Devices.Select(device => device.Id).Skip(2), Is.EqualTo((string[])["cuda:0", "cuda:1"]));
        Assert.That(report.Devices[^1].Problem, Does.Contain("7.0"));
    }

    [Scenario(Library = "/no/such/folder/libcuda.so.1")]
    public static void TheProbeSaysWhereItLooked()
    {
        ProbedDevice cuda = DeviceProbe.Run().Devices[^1];
        Assert.That(cuda.Id, Is.EqualTo("cuda"));
        Assert.That(cuda.Info, Is.Null);
        Assert.That(cuda.Tried.Select(attempt => attempt.Path), Is.EqualTo((string[])["/no/such/folder/libcuda.so.1"]));
        Assert.That(cuda.Problem, Does.Contain("No such file"));
    }

    private static CudaDevice Open() => (CudaDevice)Devices.Open("cuda:0");

    /// <summary>Every test of a fixture, each on a device of its own.</summary>
    private static void RunContract<T>()
        where T : CudaContract, new()
    {
        int run = 0;
        foreach (var test in typeof(T).GetMethods())
        {
            object?[][] cases = test.GetCustomAttribute<TestAttribute>() is not null
                ? [[]]
                : [.. test.GetCustomAttributes<TestCaseAttribute>().Select(testCase => Convert(testCase.Arguments, test.GetParameters()))];
            foreach (object?[] arguments in cases)
            {
                Console.WriteLine($"{test.Name}({string.Join(", ", arguments)})");
                var fixture = new T();
                fixture.OpenDevice();
                test.Invoke(fixture, arguments);
                fixture.CloseDevice();
                run++;
            }
        }
        Assert.That(run, Is.GreaterThan(25));
    }

    private static void Unavailable(int ordinal, DeviceStatus status, params string[] words)
    {
        var error = Assert.Throws<DeviceUnavailableException>(() => Devices.Open($"cuda:{ordinal}"))!;
        Assert.That(error.Status, Is.EqualTo(status), error.Message);
        foreach (string word in words)
        {
            Assert.That(error.Message, Does.Contain(word));
        }
    }

    private static void AssertNothingLeft()
    {
        Assert.That(Fake("fake_live_blocks"), Is.Zero, "memory that was not freed");
        nint fake = NativeLibrary.Load(Environment.GetEnvironmentVariable(CudaLibrary.PathVariable)!);
        Assert.That(
            ((delegate* unmanaged[Cdecl]<int, int>)NativeLibrary.GetExport(fake, "fake_retained"))(0),
            Is.Zero,
            "contexts that were not released");
    }

    /// <summary>PTX of kernels with one word of parameters and so much dynamic shared memory, as the compiler writes it.</summary>
    private static string SharedKernels(params (int Bytes, string Name)[] kernels) => ".version 7.0\n" + string.Concat(kernels.Select(k =>
        (k.Bytes > 0 ? $".visible .const .align 4 .u32 {k.Name}_dynamic_shared = {k.Bytes};\n" : "")
        + $".visible .entry {k.Name}(\n\t.param .align 8 .b8 {k.Name}_param_0[8]\n)\n.maxntid 64, 1, 1\n{{\n\tret;\n}}\n"));

    /// <summary>A count that the fake driver keeps.</summary>
    private static int Fake(string name)
    {
        nint fake = NativeLibrary.Load(Environment.GetEnvironmentVariable(CudaLibrary.PathVariable)!);
        return ((delegate* unmanaged[Cdecl]<int>)NativeLibrary.GetExport(fake, name))();
    }

    private static object?[] Convert(object?[] arguments, ParameterInfo[] parameters) =>
        [.. arguments.Zip(parameters, (value, parameter) => System.Convert.ChangeType(value, parameter.ParameterType))];
}
