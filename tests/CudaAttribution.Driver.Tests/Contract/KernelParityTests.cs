using System.Text.RegularExpressions;
using CudaAttribution.Driver.Cuda;
using CudaAttribution.Driver.Probe;

namespace CudaAttribution.Driver.Tests.Contract;

/// <summary>The three builds of the kernels declare the same entries; cpu lacks those of whole warps, since its blocks are one thread.</summary>
[TestFixture]
public sealed partial class KernelParityTests
{
    [Test]
    public void PtxAndHostLibrariesHaveTheSameKernels()
    {
        using IDevice simt = Devices.Open("simt");
        using IDevice cpu = Devices.Open("cpu");
        IReadOnlyList<PtxEntry> entries = PtxModuleText.Entries(CudaDevice.EmbeddedPtx());
        Assert.That(entries, Is.Not.Empty);
        Assert.That(simt.Kernels.KernelNames, Is.EqualTo(entries.Select(entry => entry.Name)));
        Assert.That(cpu.Kernels.KernelNames, Is.EqualTo(entries.Where(OnCpu).Select(entry => entry.Name)));
        using (Assert.EnterMultipleScope())
        {
            foreach (PtxEntry entry in entries)
            {
                IKernel threaded = simt.Kernels.GetKernel(entry.Name);
                Assert.That(threaded.ParameterBytes, Is.EqualTo(entry.ParameterBytes), $"{entry.Name}: parameter bytes, simt and PTX");
                Assert.That(threaded.BlockSize, Is.EqualTo(entry.MaxThreads), $"{entry.Name}: block size, simt and PTX");
                if (!OnCpu(entry)) continue;
                IKernel single = cpu.Kernels.GetKernel(entry.Name);
                Assert.That(single.ParameterBytes, Is.EqualTo(entry.ParameterBytes), $"{entry.Name}: parameter bytes, cpu and PTX");
                Assert.That(single.BlockSize, Is.EqualTo(1), $"{entry.Name}: block size on cpu");
            }
        }
    }

    /// <summary>
    /// Launches ask for no dynamic shared memory, so what a kernel declares must fit what every GPU gives without asking: 48 KB a block.
    /// </summary>
    [Test]
    public void EveryKernelFitsTheSharedMemoryOfALaunch()
    {
        string ptx = CudaDevice.EmbeddedPtx();
        var sizes = SharedVariable().Matches(ptx).ToDictionary(m => m.Groups["name"].Value, m => int.Parse(m.Groups["bytes"].Value));
        var bodies = EntryStart().Matches(ptx);
        Assert.That(bodies, Has.Count.EqualTo(PtxModuleText.Entries(ptx).Count));
        Assert.That(ptx, Does.Not.Contain("\n.func").And.Not.Contain(".extern .shared"), "a kernel's own text must show all it uses");
        int largest = 0;
        for (int i = 0; i < bodies.Count; i++)
        {
            string body = ptx[bodies[i].Index..(i + 1 < bodies.Count ? bodies[i + 1].Index : ptx.Length)];
            int bytes = sizes.Where(variable => body.Contains(variable.Key)).Sum(variable => variable.Value);
            Assert.That(bytes, Is.LessThanOrEqualTo(48 * 1024), bodies[i].Groups["name"].Value);
            largest = Math.Max(largest, bytes);
        }
        Assert.That(largest, Is.GreaterThan(16 * 1024), "the pattern still finds the variables");
    }

    private static bool OnCpu(PtxEntry entry) => !entry.Name.EndsWith("_bf16", StringComparison.Ordinal);

    [GeneratedRegex(@"\.shared\s+\.align\s+\d+\s+\.b8\s+(?<name>[\w$]+)\[(?<bytes>\d+)\]")]
    private static partial Regex SharedVariable();

    [GeneratedRegex(@"\.entry\s+(?<name>[\w$]+)")]
    private static partial Regex EntryStart();
}
