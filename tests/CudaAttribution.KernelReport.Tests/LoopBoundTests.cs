using CudaAttribution.KernelReport.Bench;
using CudaAttribution.KernelReport.Sass;

namespace CudaAttribution.KernelReport.Tests;

/// <summary>Mixes and bounds against cycles counted by hand.</summary>
public sealed class LoopBoundTests
{
    [Test]
    public void Counts_every_kind_with_its_width()
    {
        var mix = Mix("""
            FFMA R0, R1, R2, R0
            FADD.FTZ R0, R1, R2
            FMUL R0, R1, R2
            IMAD R0, R1, R2, R3
            IMAD.MOV.U32 R0, RZ, RZ, R3
            IDP.4A.U8.U8 R0, R1, R2, R0
            IADD3 R0, R1, R2, RZ
            MUFU.RCP R0, R1
            I2F R0, R1
            LDS.U8 R0, [R1]
            LDS.64 R0, [R1]
            STS.128 [R1], R4
            LDSM.16.MT88.4 R0, [R1]
            LDG.E.64.CONSTANT R0, [R2.64]
            STG.E.U8 [R2.64], R0
            LDGSTS.E.BYPASS.128 [R1], [R2.64]
            SHFL.BFLY PT, R0, R1, 0x1, 0x1f
            BAR.SYNC.DEFER_BLOCKING 0x0
            ULDC UR4, c[0x0][0x160]
            """);
        Assert.That((mix.Total, mix.Ffma, mix.OtherFp32, mix.Imad, mix.PlainImad, mix.Idp), Is.EqualTo((19, 1, 2, 2, 1, 1)));
        Assert.That((mix.AluCount, mix.SpecialCount, mix.Ldsm, mix.Shuffles, mix.Barriers, mix.FreeCount), Is.EqualTo((1, 2, 1, 1, 1, 1)));
        Assert.That(mix.SharedLoads, Is.EqualTo(new Dictionary<int, int> { [1] = 1, [8] = 1 }));
        Assert.That(mix.SharedStores, Is.EqualTo(new Dictionary<int, int> { [16] = 2 }));
        Assert.That(mix.GlobalLoads, Is.EqualTo(new Dictionary<int, int> { [8] = 1, [16] = 1 }));
        Assert.That((mix.GlobalBytes, mix.SharedBytes), Is.EqualTo((25, 57)));
        // U8 1, 64 2, 128 4, ldsm 4, ldg.64 2, stg.u8 1, ldgsts 4 in and 4 out, shfl 1
        Assert.That(mix.Wavefronts, Is.EqualTo(1 + 2 + 4 + 4 + 2 + 1 + 4 + 4 + 1));
        Assert.That(mix.Unknown, Is.Empty);
    }

    [Test]
    public void F32_products_are_bound_by_half_the_lanes_on_sm_80()
    {
        var mix = Mix(Repeat("FFMA R0, R1, R2, R0", 16) + "LDS.128 R4, [R3]\nLDS R8, [R3]");
        // 16 x 32 lanes: 8 cycles of 64, 4 of 128; the loads take 4 + 1 cycles, 18 instructions 4.5.
        Assert.That(LoopBound.Of(mix, Gpu.A100, WorkKind.Fp32), Is.EqualTo(new LoopBound(8, "fp32", "fp32", 1)));
        Assert.That(LoopBound.Of(mix, Gpu.H100, WorkKind.Fp32), Is.EqualTo(new LoopBound(5, "L1", "fp32", 0.8)));
    }

    [Test]
    public void Tensor_products_of_a_warp_reach_half_of_Hoppers_peak()
    {
        var mix = Mix(Repeat("HMMA.16816.F32.BF16 R4, R8, R12, R4", 8));
        Assert.That(mix.TensorFma, Is.EqualTo(8 * 16 * 8 * 16));
        Assert.That(LoopBound.Of(mix, Gpu.A100, WorkKind.Fp32), Is.EqualTo(new LoopBound(16, "tensor", "tensor", 1)));
        Assert.That(LoopBound.Of(mix, Gpu.H100, WorkKind.Fp32), Is.EqualTo(new LoopBound(16, "tensor", "tensor", 0.5)));
        // A quarter of 64 x 128 x 16 for each of its four warps, at the full rate.
        var group = Mix("HGMMA.64x128x16.F32.BF16 R24, gdesc[UR4], R24");
        Assert.That(LoopBound.Of(group, Gpu.H100, WorkKind.Fp32), Is.EqualTo(new LoopBound(16, "tensor", "tensor", 1)));
        Assert.That(() => Mix("HMMA.848.F32 R0, R1, R2, R0"), Throws.TypeOf<InvalidDataException>().With.Message.Contains("HMMA.848.F32"));
    }

    [Test]
    public void A_copy_is_measured_against_the_memory()
    {
        var bound = LoopBound.Of(Mix("LDG.E.128 R0, [R2.64]\nSTG.E.128 [R4.64], R0"), Gpu.H100, WorkKind.Memory);
        // 1024 bytes of a warp at 64 bytes a cycle; the chip's memory delivers 3 TB/s / 132 / 1.755 GHz = 12.95 bytes a cycle.
        Assert.That((bound.Cycles, bound.Limit, bound.Unit), Is.EqualTo((16.0, "L2", "memory")));
        Assert.That(bound.Reach, Is.EqualTo(64 / 12.95).Within(0.01));
    }

    [TestCase("MUFU.EX2 R0, R1", "special", 2)]
    [TestCase("IADD3 R0, R1, R2, RZ", "alu", 0.5)]
    [TestCase("IMAD R0, R1, R2, R3", "integer", 0.5)]
    [TestCase("ULDC UR4, c[0x0][0x160]", "issue", 0.25)]
    public void Other_units(string instruction, string limit, double cycles) =>
        Assert.That(LoopBound.Of(Mix(instruction), Gpu.H100, WorkKind.Memory), Is.EqualTo(new LoopBound(cycles, limit, "none", 0)));

    private static InstructionMix Mix(string code) => InstructionMix.Of(Sass.Kernel(code).Instructions);

    private static string Repeat(string line, int count) => string.Concat(Enumerable.Repeat(line + "\n", count));
}
