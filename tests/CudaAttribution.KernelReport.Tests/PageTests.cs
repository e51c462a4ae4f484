using CudaAttribution.Driver;
using CudaAttribution.KernelReport.Bench;
using CudaAttribution.KernelReport.Page;

namespace CudaAttribution.KernelReport.Tests;

/// <summary>What is written is read back, and every way in which a page can be untrue is told.</summary>
public sealed class PageTests
{
    private const string Products = "LDS.128 R4, [R3]\nFFMA R0, R1, R2, R0\nFFMA R0, R1, R2, R0\nFFMA R0, R1, R2, R0\nFFMA R0, R1, R2, R0";
    private const string Copy = "LDG.E.128 R0, [R2.64]\nSTG.E.128 [R4.64], R0";

    private static readonly BenchLaunch[] Launches = [new("case", "gemm_nn_f32", new Grid(132), 1e10, 1e6), new("case", "copy_f32", new Grid(132), 0, 1e9)];

    private static readonly string Page = Write(("gemm_nn_f32", Products, 4, 0), ("copy_f32", Copy, 8, 0));

    [Test]
    public void A_page_agrees_with_itself_and_can_be_read()
    {
        Assert.That(PageComparison.Problems(Page, Page), Is.Empty);
        Assert.That(KernelPage.ToolsOf(Page), Is.EqualTo("ptxas 12.4.131, clang 19.1.7"));
        var table = MarkdownTable.After(KernelTable.Heading, Page);
        Assert.That(table.Cell(table.Rows[0], "FFMA"), Is.EqualTo("4"));
        Assert.That(table.Cell(table.Rows[0], "LDS"), Is.EqualTo("1x16"));
        Assert.That(table.Cell(table.Rows[1], "global B"), Is.EqualTo("1024"));
        var figures = KernelTable.Read(table)["gemm_nn_f32"];
        // Four multiply-adds, four wavefronts: on sm_80 two cycles of the former against four of the latter.
        Assert.That(figures[0], Is.EqualTo(new KernelFigures(0, 50, 4, "fp32", 50)));
        Assert.That(figures[1].Reach, Is.EqualTo(25));
        Assert.That(PredictionTable.Read(MarkdownTable.After(PredictionTable.Heading, Page)).Keys, Has.Some.EqualTo("case: copy_f32 of 132 blocks"));
    }

    [Test]
    public void Tells_of_kernels_that_came_and_went()
    {
        string now = Write(("gemm_nn_f32", Products, 4, 0), ("move_f32", Copy, 8, 0), ("copy_f32", Copy, 8, 0));
        Assert.That(PageComparison.Problems(Page, now), Is.EqualTo(new[] { "kernel move_f32 is new and not on the page" }));
        Assert.That(PageComparison.Problems(now, Page), Is.EqualTo(new[] { "kernel move_f32 is on the page and no longer in the module" }));
    }

    [Test]
    public void Tells_of_spills() =>
        Assert.That(
            PageComparison.Problems(Page, Write(("gemm_nn_f32", Products, 4, 16), ("copy_f32", Copy, 8, 0))),
            Is.EqualTo(new[] { "kernel gemm_nn_f32 on sm_80: 16 bytes of registers are spilled", "kernel gemm_nn_f32 on sm_90: 16 bytes of registers are spilled" }));

    [Test]
    public void Tells_of_occupancy_in_both_directions()
    {
        string lower = Write(("gemm_nn_f32", Products, 3, 0), ("copy_f32", Copy, 8, 0));
        Assert.That(PageComparison.Problems(Page, lower)[0], Is.EqualTo("kernel gemm_nn_f32 on sm_80: resident warps (percent): worse, 50 on the page, 38 now"));
        Assert.That(PageComparison.Problems(lower, Page)[0], Does.Contain("better, 38 on the page, 50 now"));
    }

    [Test]
    public void Tells_of_a_slower_loop_and_of_the_launches_it_slows()
    {
        string slower = Write(("gemm_nn_f32", Products + "\nLDS R4, [R3]", 4, 0), ("copy_f32", Copy, 8, 0));
        var problems = PageComparison.Problems(Page, slower);
        Assert.That(problems, Has.Some.Contains("kernel gemm_nn_f32 on sm_90: reach of the main loop (percent of fp32): worse, 25 on the page, 20 now"));
        Assert.That(problems, Has.Some.Contains("case: gemm_nn_f32 of 132 blocks: predicted microseconds: worse"));
        Assert.That(PageComparison.Problems(slower, Page), Has.All.Contains("better"));
    }

    [Test]
    public void Lets_small_changes_pass()
    {
        string slightly = Write(("gemm_nn_f32", Repeat(Products, 12) + "\nLDS R4, [R3]", 4, 0), ("copy_f32", Copy, 8, 0));
        Assert.That(PageComparison.Problems(Page, slightly), Is.Empty);
    }

    [Test]
    public void Tells_of_launches_that_came_and_went()
    {
        string fewer = KernelPage.Write(Readings.Module(("gemm_nn_f32", Products, 4, 0), ("copy_f32", Copy, 8, 0)), [Launches[0]]);
        Assert.That(PageComparison.Problems(Page, fewer), Is.EqualTo(new[] { "case: copy_f32 of 132 blocks: on the page and no longer launched" }));
        Assert.That(PageComparison.Problems(fewer, Page), Is.EqualTo(new[] { "case: copy_f32 of 132 blocks: launched and not on the page" }));
    }

    [TestCase("## Kernels", "## Cores", "no heading '## Kernels'")]
    [TestCase("| 4 | 0 | 0 |", "| 4 | 0 |", "cells below")]
    [TestCase("reach %", "reached", "no column 'reach %'")]
    [TestCase("| copy_f32 | 256", "| gemm_nn_f32 | 256", "stands twice")]
    [TestCase("| 50 / 25 |", "| half |", "reach % is no number: 'half'")]
    public void Refuses_a_page_whose_tables_are_broken(string was, string becomes, string why)
    {
        Assert.That(Page, Does.Contain(was));
        string broken = Page.Replace(was, becomes, StringComparison.Ordinal);
        Assert.That(() => PageComparison.Problems(broken, Page), Throws.TypeOf<InvalidDataException>().With.Message.Contains(why));
    }

    private static string Write(params (string, string, int, int)[] kernels) => KernelPage.Write(Readings.Module(kernels), Launches);

    private static string Repeat(string code, int count) => string.Join('\n', Enumerable.Repeat(code, count));
}
