using CudaAttribution.KernelReport.Sass;

namespace CudaAttribution.KernelReport.Tests;

/// <summary>Which loop is taken, and which way through it.</summary>
public sealed class MainLoopTests
{
    private const string Nested = """
        MOV R1, c[0x0][0x28]
        .L_outer:
        LDG.E.128 R4, [R2.64]
        STS.128 [R3], R4
        BAR.SYNC.DEFER_BLOCKING 0x0
        .L_inner:
        LDS.128 R8, [R3]
        FFMA R0, R8, R9, R0
        FFMA R0, R10, R11, R0
        ISETP.NE.AND P0, PT, R5, RZ, PT
        @P0 BRA `(.L_inner)
        ISETP.NE.AND P1, PT, R6, RZ, PT
        @P1 BRA `(.L_outer)
        STG.E [R2.64], R0
        EXIT
        .L_end:
        BRA `(.L_end)
        NOP
        """;

    [Test]
    public void Of_nested_loops_the_inner_one()
    {
        var flow = ControlFlow.Of(Sass.Kernel(Nested));
        Assert.That(flow.Loops, Has.Count.EqualTo(2));
        var main = MainLoop.Of(flow.Kernel);
        Assert.That(main.IsLoop);
        Assert.That((main.Mix.Total, main.Mix.Ffma, main.Mix.Barriers, main.Mix.AluCount), Is.EqualTo((5, 2, 0, 1)));
        Assert.That(main.Mix.SharedLoads, Is.EqualTo(new Dictionary<int, int> { [16] = 1 }));
    }

    [Test]
    public void Without_a_loop_all_of_the_kernel_and_nothing_behind_its_end()
    {
        var main = MainLoop.Of(Sass.Kernel("LDG.E R0, [R2.64]\nFADD R0, R0, R0\nSTG.E [R2.64], R0\nEXIT\n.L_0:\nBRA `(.L_0)\nNOP"));
        Assert.That((main.IsLoop, main.Mix.Total, main.Mix.OtherFp32, main.Mix.GlobalBytes), Is.EqualTo((false, 4, 1, 8)));
    }

    [Test]
    public void The_loop_with_most_multiply_adds_then_most_bytes_then_most_instructions()
    {
        const string Sums = ".L_a:\nLDG.E.128 R0, [R2.64]\n@P0 BRA `(.L_a)\n";
        const string Products = ".L_b:\nFFMA R0, R1, R2, R0\n@P0 BRA `(.L_b)\n";
        const string Tensor = ".L_c:\nHMMA.16816.F32.BF16 R4, R8, R12, R4\n@P0 BRA `(.L_c)\n";
        const string Shared = ".L_d:\nLDS.128 R0, [R2]\n@P0 BRA `(.L_d)\n";
        const string Long = ".L_e:\nIADD3 R0, R0, R1, RZ\nIADD3 R0, R0, R1, RZ\nIADD3 R0, R0, R1, RZ\n@P0 BRA `(.L_e)\n";
        Assert.That(Main(Sums + Products + Tensor + Shared + Long).Hmma, Is.EqualTo(1));
        Assert.That(Main(Sums + Products + Shared + Long).Ffma, Is.EqualTo(1));
        Assert.That(Main(Shared + Sums + Long).GlobalBytes, Is.EqualTo(16));
        Assert.That(Main(Long + Shared).SharedBytes, Is.EqualTo(16));
        Assert.That(Main(Shared + Products, integers: true).SharedBytes, Is.EqualTo(16));

        static InstructionMix Main(string code, bool integers = false) => MainLoop.Of(Sass.Kernel(code + "EXIT"), integers).Mix;
    }

    [Test]
    public void The_way_of_the_vector_load_through_a_loop_that_has_both()
    {
        var main = MainLoop.Of(Sass.Kernel("""
            .L_head:
            BSSY B0, `(.L_joined)
            @P3 BRA `(.L_join)
            @!P1 BRA `(.L_scalar)
            LDG.E.128 R4, [R2.64]
            BRA `(.L_join)
            .L_scalar:
            LDG.E R4, [R2.64]
            LDG.E R5, [R2.64+0x4]
            LDG.E R6, [R2.64+0x8]
            LDG.E R7, [R2.64+0xc]
            .L_join:
            BSYNC B0
            .L_joined:
            FFMA R0, R4, R5, R0
            @P0 BRA `(.L_head)
            EXIT
            """));
        Assert.That(main.Mix.GlobalLoads, Is.EqualTo(new Dictionary<int, int> { [16] = 1 }));
        Assert.That(main.Mix.Total, Is.EqualTo(8));
    }

    [Test]
    public void A_jump_back_from_code_that_was_moved_away_is_no_loop()
    {
        var kernel = Sass.Kernel("@P0 BRA `(.L_slow)\n.L_back:\nSTG.E [R2.64], R0\nEXIT\n.L_slow:\nMOV R0, RZ\nBRA `(.L_back)");
        Assert.That(ControlFlow.Of(kernel).Loops, Is.Empty);
        Assert.That(MainLoop.Of(kernel).IsLoop, Is.False);
    }

    [TestCase("BRA P1, `(.L_0)", 1)]
    [TestCase("BRA.DIV UR4, `(.L_0)", 1)]
    [TestCase("BRA `(.L_0)", 0)]
    public void A_jump_with_a_condition_among_its_operands_may_go_on(string jump, int stores)
    {
        var kernel = Sass.Kernel($"@P0 EXIT\n{jump}\nSTG.E [R2.64], R0\n.L_0:\nEXIT");
        Assert.That(MainLoop.Of(kernel).Mix.GlobalStores.Values.Sum(), Is.EqualTo(stores));
    }

    [Test]
    public void Two_ways_back_to_one_head_are_one_loop()
    {
        var flow = ControlFlow.Of(Sass.Kernel(".L_0:\nFFMA R0, R1, R2, R0\n@P0 BRA `(.L_0)\nFFMA R0, R1, R2, R0\n@P1 BRA `(.L_0)\nEXIT"));
        Assert.That(flow.Loops.Single().Latches, Has.Count.EqualTo(2));
        Assert.That(MainLoop.Of(flow.Kernel).Mix.Ffma, Is.EqualTo(2));
    }

    [Test]
    public void An_unknown_instruction_takes_its_slot_and_is_named()
    {
        var mix = MainLoop.Of(Sass.Kernel(".L_0:\nFROBNICATE.X2 R0, R1\nUFROB UR4\n@P0 BRA `(.L_0)\nEXIT")).Mix;
        Assert.That(mix.Total, Is.EqualTo(3));
        Assert.That(mix.Unknown, Is.EquivalentTo(new Dictionary<string, int> { ["FROBNICATE.X2"] = 1, ["UFROB"] = 1 }));
    }

    [TestCase("BRX R2 -0x10", "indirect jumps")]
    [TestCase("BRA `(.L_nowhere)", "leads nowhere")]
    [TestCase("BRA 0x40", "indirect jumps")]
    public void Refuses_jumps_it_cannot_follow(string jump, string why) =>
        Assert.That(() => MainLoop.Of(Sass.Kernel($"{jump}\nEXIT")), Throws.TypeOf<InvalidDataException>().With.Message.Contains("kernel k").And.Message.Contains(why));
}
