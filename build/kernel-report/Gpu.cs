namespace CudaAttribution.KernelReport;

/// <summary>
/// What a multiprocessor of a GPU generation does in a cycle. Lanes are results a cycle and multiprocessor of 32-bit operations (CUDA C++ Programming
/// Guide, "Arithmetic Instructions", throughput of native arithmetic instructions); a warp's instruction takes 32 of them.
/// </summary>
/// <param name="Target">Its compute capability, as <c>ptxas -arch</c> takes it.</param>
/// <param name="Name">The product the chip-wide figures are of.</param>
/// <param name="Multiprocessors">How many it has.</param>
/// <param name="Clock">Cycles per second, assumed.</param>
/// <param name="MemoryBandwidth">Bytes per second that its memory delivers, assumed.</param>
/// <param name="Fp32Lanes">F32 add, multiply, multiply-add.</param>
/// <param name="TensorPeak">Multiply-adds of BF16 a cycle at the published dense peak.</param>
/// <param name="TensorMma">The same that <c>mma.sync</c> (HMMA) reaches.</param>
public sealed record Gpu(
    string Target, string Name, int Multiprocessors, double Clock, double MemoryBandwidth, int Fp32Lanes, int TensorPeak, int TensorMma)
{
    /// <summary>Warp instructions issued a cycle: one by each of four schedulers.</summary>
    public const int Issue = 4;

    /// <summary>Integer multiply-adds; they go through the pipe of the F32 ones.</summary>
    public const int IntegerMultiplyLanes = 64;

    /// <summary>Integer and logic operations, comparisons, selections, shifts, moves.</summary>
    public const int AluLanes = 64;

    /// <summary>Reciprocals and square roots (MUFU) and conversions between integers and floats.</summary>
    public const int SpecialLanes = 16;

    /// <summary>Bytes of shared memory, one wavefront.</summary>
    public const int SharedBytes = 128;

    /// <summary>Bytes between the second-level cache and a multiprocessor.</summary>
    public const int CacheBytes = 64;

    public static Gpu A100 { get; } = new("sm_80", "A100 SXM 80 GB", 108, 1.410e9, 2.0e12, 64, 1024, 1024);

    public static Gpu H100 { get; } = new("sm_90", "H100 SXM", 132, 1.755e9, 3.0e12, 128, 2048, 1024);

    public static IReadOnlyList<Gpu> All { get; } = [A100, H100];

    /// <summary>A multiprocessor's share of the memory bandwidth, bytes a cycle.</summary>
    public double MemoryBytes => MemoryBandwidth / Clock / Multiprocessors;

    /// <summary>Peak of F32 on the chip, operations per second, a multiply-add counting two.</summary>
    public double Fp32Flops => 2.0 * Fp32Lanes * Multiprocessors * Clock;

    /// <summary>Dense BF16 peak of the chip, likewise.</summary>
    public double TensorFlops => 2.0 * TensorPeak * Multiprocessors * Clock;

    /// <summary>Peak of integer multiply-adds, each counting two.</summary>
    public double IntegerFlops => 2.0 * IntegerMultiplyLanes * Multiprocessors * Clock;
}
