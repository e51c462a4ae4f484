using CudaAttribution.KernelReport.Sass;

namespace CudaAttribution.KernelReport.Tests;

public sealed class SassFileTests
{
    [Test]
    public void Reads_kernels_labels_and_instructions()
    {
        string text = Sass.Text("first_f32", "MOV R1, c[0x0][0x28]\n.L_x_0:\n@!P0 LDG.E.128 R4, [R2.64+0x10]\nEXIT") + Sass.Text("second", "@UP0 UIADD3 UR4, UR4, 0x1, URZ\nEXIT\n.L_x_1:");
        var kernels = SassFile.Parse(text, "a.sass");
        Assert.That(kernels.Select(k => k.Name), Is.EqualTo(new[] { "first_f32", "second" }));
        Assert.That(kernels[0].Instructions, Is.EqualTo(new[]
        {
            new SassInstruction("MOV", false, "R1, c[0x0][0x28]"), new SassInstruction("LDG.E.128", true, "R4, [R2.64+0x10]"), new SassInstruction("EXIT", false, ""),
        }));
        Assert.That(kernels[0].Labels[".L_x_0"], Is.EqualTo(1));
        Assert.That(kernels[1].Instructions[0].Predicated);
        Assert.That(kernels[1].Labels[".L_x_1"], Is.EqualTo(2));
    }

    [Test]
    public void Leaves_sections_alone_that_are_no_code()
    {
        string text = Sass.Text("k", "EXIT") + "\t.section\t.nv.constant0.k,\"a\",@progbits\n        /*0000*/ \t.byte\t0x00, 0x00\n";
        Assert.That(SassFile.Parse(text, "a").Single().Instructions, Has.Count.EqualTo(1));
    }

    [Test]
    public void Takes_instructions_with_their_encoding_behind_them() =>
        Assert.That(
            SassFile.Parse(Sass.Text("k", "EXIT").Replace("EXIT ;", "EXIT ;       /* 0x000000000000794d */", StringComparison.Ordinal), "a").Single().Instructions[0].Opcode,
            Is.EqualTo("EXIT"));

    [TestCase("", TestName = "Refuses_nothing")]
    [TestCase("\u007fELF\0\u0001garbage\n{}\n", TestName = "Refuses_a_binary")]
    [TestCase("ptxas info : Used 24 registers\n", TestName = "Refuses_the_text_of_another_tool")]
    public void Refuses_what_is_no_disassembly(string text) =>
        Assert.That(() => SassFile.Parse(text, "a.sass"), Throws.TypeOf<InvalidDataException>().With.Message.Contains("a.sass: no section .text.KERNEL"));

    [Test]
    public void Names_the_line_of_a_broken_instruction() =>
        Assert.That(
            () => SassFile.Parse(Sass.Text("k", "MOV R1, R2\n???\nEXIT"), "a.sass"),
            Throws.TypeOf<InvalidDataException>().With.Message.Contains("a.sass:11: not an instruction").And.Message.Contains("???"));

    [Test]
    public void Refuses_a_kernel_without_code_and_a_label_that_stands_twice()
    {
        Assert.That(() => SassFile.Parse(Sass.Text("empty", ""), "a"), Throws.TypeOf<InvalidDataException>().With.Message.Contains("kernel empty has no instructions"));
        Assert.That(() => Sass.Kernel(".L_0:\nEXIT\n.L_0:\nEXIT"), Throws.TypeOf<InvalidDataException>().With.Message.Contains("label .L_0 stands twice"));
    }
}
