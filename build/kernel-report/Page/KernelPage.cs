using System.Globalization;
using CudaAttribution.KernelReport.Bench;

namespace CudaAttribution.KernelReport.Page;

/// <summary>The page <c>docs/kernels.md</c>.</summary>
public static class KernelPage
{
    private const string Made = "Made from: ";

    public static string Write(ModuleReading module, IReadOnlyList<BenchLaunch> launches)
    {
        var gpu = Gpu.H100;
        var kernels = module.Kernels[gpu.Target];
        var predictions = launches.Select(l => Prediction.Of(l, kernels[l.Kernel], gpu)).ToArray();
        string[] unknown =
        [
            .. kernels.SelectMany(k => k.Value.Main.Mix.Unknown.Select(u => $"{u.Key} ({k.Key})")).Order(StringComparer.Ordinal),
        ];
        string[] lines =
        [
            "# The kernels as machine code",
            "",
            "**Predictions, not measurements.** NVIDIA's assembler translates the PTX module for sm_80 and sm_90; this page counts what it made: registers,",
            "shared memory, and the instructions of each kernel's main loop, from which follow the fastest that loop can be and, for the shapes of",
            "`cudattr bench`, the time of each launch. No GPU has been timed. Written by `bash build/check-ptxas.sh --report`; a test compares it with the",
            "kernels and fails where a kernel is missing or new, spills, or has a figure that moved by more than 10 %.",
            "",
            $"{Made}{module.Tools}.",
            "",
            "## How to read it",
            "",
            "- **Main loop**: of the innermost loops (natural loops that contain no other) the one with the most multiply-adds an iteration (tensor cores and",
            "  F32; `distance_u8`, which computes in integers: the most reads of shared memory), else the one that moves the most bytes of global memory, else",
            "  of shared memory, else the longest. Where it branches, the way through with the most of the same counts, of equal ones the shortest: a vector",
            "  load, not the four scalar loads in its place. Calls (slow paths of division and root) are not followed.",
            "- **blocks**, **warps %**: resident blocks of a multiprocessor and their warps, by registers, static shared memory and limits of the generation;",
            "  shared memory that a launch asks for is not in the machine code.",
            "- **instr** to **rest**: what a warp issues in an iteration. FP32: FADD, FMUL and their like; IMAD: also moves, additions and shifts that ptxas",
            "  makes of it; ALU: integer, logic, comparison, selection; MUFU: also conversions; LDS, STS, LDG, STG: count x bytes a lane; HMMA: tensor cores;",
            "  rest: control flow, constants, uniform registers. \"a / b\": sm_80 / sm_90.",
            "- **cycles**: the least a multiprocessor needs for one warp's iteration when all its warps are in the loop, and the unit that **limit**s it: issue",
            $"  ({Gpu.Issue} instructions a cycle), fp32 ({Gpu.A100.Fp32Lanes} lanes on sm_80, {Gpu.H100.Fp32Lanes} on sm_90; IMAD shares them), integer ({Gpu.IntegerMultiplyLanes}), alu ({Gpu.AluLanes}),",
            $"  special ({Gpu.SpecialLanes}), L1 (port of shared memory and first-level cache, {Gpu.SharedBytes} bytes a cycle), L2 ({Gpu.CacheBytes} bytes a cycle), tensor.",
            "- **for**, **reach %**: the unit the loop is there for, and the share of its peak that the loop can reach; for memory the share of its bandwidth",
            "  that the loop could use up: over 100 the memory is the limit, not the loop.",
            "- **us**: the longest of the loop's work (operations of the case, or bytes where it does none, over those of an iteration), the bytes at memory",
            "  bandwidth, and the busiest multiprocessor's bytes through its port; both loop and port are stretched by the uneven share of blocks, ceil(blocks /",
            "  multiprocessors). **waves**: blocks over resident ones of the chip. **floor**: the same work at the chip's peaks. Bytes of a launch are those",
            "  of the case for a forward of one launch, else the arrays that its parameters point to, at most three times the case's.",
            "",
            "Assumed, from NVIDIA's CUDA C++ Programming Guide (lanes a cycle of \"Arithmetic Instructions\"; limits of \"Compute Capabilities\") and its white",
            Assumed(Gpu.A100),
            Assumed(Gpu.H100),
            "Assumed without a source: `mma.sync` (HMMA) reaches half of the dense peak on Hopper, which is that of `wgmma`; 64 bytes a cycle pass from the",
            "second-level cache to a multiprocessor; clocks hold.",
            "",
            "Not in it: waiting (latency, barriers, too few warps), bank conflicts and uncoalesced access, lanes that read the same word (counted as if each",
            "moved its own), everything outside the main loop (staging, other passes over the same data), launching. So a real launch is slower, and a loop",
            "whose lanes share words may be faster than its L1 bound.",
            "",
            KernelTable.Heading,
            "",
            .. KernelTable.Of(module).Lines(),
            "",
            unknown.Length == 0 ? "Every opcode of these loops is of a known kind." : $"Of no known kind, counted as an issue slot: {string.Join(", ", unknown)}.",
            "",
            PredictionTable.WorstHeading,
            "",
            $"By predicted time less floor on one {gpu.Name}, each kernel in its worst launch.",
            "",
            .. PredictionTable.Worst(predictions).Lines(),
            "",
            PredictionTable.Heading,
            "",
            string.Create(CultureInfo.InvariantCulture, $"On one {gpu.Name}, forward and backward of each case, in the order of launching. {predictions.Count(p => p.Seconds < PredictionTable.LeastSeconds)} of {predictions.Length} launches, predicted under {PredictionTable.LeastSeconds * 1e6} us, are not listed."),
            "",
            .. PredictionTable.Of(predictions).Lines(),
        ];
        return string.Join('\n', lines) + "\n";
    }

    /// <summary>The assembler and compiler that a page was made with.</summary>
    /// <exception cref="InvalidDataException">It does not say.</exception>
    public static string ToolsOf(string page) =>
        page.Split('\n').FirstOrDefault(l => l.StartsWith(Made, StringComparison.Ordinal))?[Made.Length..].TrimEnd('.')
        ?? throw new InvalidDataException($"the page has no line '{Made}...'");

    private static string Assumed(Gpu gpu) => string.Create(
        CultureInfo.InvariantCulture,
        $"{(gpu == Gpu.A100 ? "papers: " : "")}{gpu.Name} ({gpu.Target}): {gpu.Multiprocessors} multiprocessors, {gpu.Clock / 1e9:0.000} GHz, {gpu.MemoryBandwidth / 1e12:0.0} TB/s, {gpu.Fp32Flops / 1e12:0.0} TFLOP/s F32, {gpu.TensorFlops / 1e12:0} dense BF16 ({gpu.TensorPeak} multiply-adds a cycle).");
}
