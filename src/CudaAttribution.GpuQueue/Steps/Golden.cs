using System.Security.Cryptography;
using System.Text;
using CudaAttribution.Driver.Cuda;
using CudaAttribution.Driver.Host;
using CudaAttribution.GpuQueue.Queue;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tensors.Verification;

namespace CudaAttribution.GpuQueue.Steps;

/// <summary>The bits that <c>cpu</c> leaves for one case (<see cref="OpDigest"/>).</summary>
internal sealed record GoldenCase(string Op, string Case, string Sha256);

/// <summary>The bits that <c>cpu</c> leaves for every case of the catalogue, reckoned beforehand so that a GPU's minutes are not spent on them.</summary>
/// <param name="Format">1.</param>
/// <param name="PtxSha256">The kernels they belong to.</param>
/// <param name="Cases">The cases.</param>
internal sealed record Golden(int Format, string PtxSha256, IReadOnlyList<GoldenCase> Cases)
{
    /// <summary>Computes them.</summary>
    /// <param name="reduced">Of the audit's cases only: what a rehearsal looks at.</param>
    /// <param name="progress">Is told how many of all are done.</param>
    /// <exception cref="QueueException">A case gives NaN or infinite values, which would agree with any other such.</exception>
    public static Golden Compute(bool reduced, Action<int, int> progress)
    {
        using var cpu = ComputeDevice.Open(HostDriver.CpuId, guardBands: true);
        OpCase[] all = [.. OpCatalog.All.Where(c => !(reduced && c.BenchOnly))];
        var cases = new List<GoldenCase>();
        foreach (var op in all)
        {
            var digest = OpDigest.Of(cpu, op);
            if (digest.NonFinite > 0) throw new QueueException($"{op} gives {digest.NonFinite} values on cpu that are NaN or infinite");
            cases.Add(new GoldenCase(op.Op, op.Name, digest.Sha256));
            progress(cases.Count, all.Length);
        }
        return new Golden(1, EmbeddedPtxHash(), cases);
    }

    /// <exception cref="QueueException">The file cannot be read, or belongs to other kernels.</exception>
    public static Golden Read(string file)
    {
        var golden = QueueJson.Read<Golden>(file, "file of golden hashes");
        if (golden.Format != 1) throw new QueueException($"{file} has format {golden.Format}, this program reads format 1");
        if (golden.PtxSha256 != EmbeddedPtxHash()) throw new QueueException($"{file} belongs to other kernels than this program's: make it again (gpu-queue golden)");
        return golden;
    }

    /// <summary>The hash of a case.</summary>
    /// <exception cref="QueueException">The case is not there.</exception>
    public string this[OpCase op] => Cases.FirstOrDefault(c => c.Op == op.Op && c.Case == op.Name)?.Sha256
        ?? throw new QueueException($"the golden hashes have no case '{op}': make them again (gpu-queue golden)");

    private static string EmbeddedPtxHash() => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(CudaDevice.EmbeddedPtx())));
}
