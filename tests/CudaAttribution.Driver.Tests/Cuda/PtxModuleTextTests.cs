using CudaAttribution.Driver.Cuda;

namespace CudaAttribution.Driver.Tests.Cuda;

[TestFixture]
public sealed class PtxModuleTextTests
{
    [Test]
    public void ReadsWhatClangWrites()
    {
        const string Ptx = """
            .version 7.0
            .target sm_80
            .address_size 64
            	// .globl	scale_fwd_f32           // -- Begin function scale_fwd_f32
            .visible .entry scale_fwd_f32(
            	.param .align 8 .b8 scale_fwd_f32_param_0[24]
            )
            .maxntid 256, 1, 1                      // @scale_fwd_f32
            {
            	ret;
            }
            .visible .entry add_fwd_f32(
            	.param .align 4 .b8 add_fwd_f32_param_0[4]
            )
            .maxntid 128, 1, 1
            {
            	ret;
            }
            """;
        Assert.That(PtxModuleText.Entries(Ptx), Is.EqualTo((PtxEntry[])[new("add_fwd_f32", 4, 128), new("scale_fwd_f32", 24, 256)]));
    }

    [Test]
    public void ReadsTheDynamicSharedMemoryOfItsKernel()
    {
        const string Ptx = """
            .visible .const .align 4 .u32 b_dynamic_shared = 98304;
            .visible .entry ab()
            .maxntid 32, 1, 1
            {
            }
            .visible .entry b()
            .maxntid 32, 1, 1
            {
            }
            """;
        Assert.That(PtxModuleText.Entries(Ptx), Is.EqualTo((PtxEntry[])[new("ab", 0, 32), new("b", 0, 32, 98304)]));
    }

    [Test]
    public void AlignsSeparateParameters()
    {
        const string Ptx = """
            .visible .entry many(
            	.param .u32 many_param_0,
            	.param .u64 many_param_1,
            	.param .f32 many_param_2,
            	.param .align 16 .b8 many_param_3[32],
            	.param .u8 many_param_4
            )
            .reqntid 8, 4, 2
            .minnctapersm 2
            {
            """;
        // 0..4, padded to 8..16, 16..20, padded to 32..64, 64..65
        Assert.That(PtxModuleText.Entries(Ptx), Is.EqualTo((PtxEntry[])[new("many", 65, 64)]));
    }

    [Test]
    public void TakesEntriesWithoutParametersOrBound()
    {
        PtxEntry[] expected = [new("bare", 0, 0), new("barer", 0, 0)];
        Assert.That(PtxModuleText.Entries(".visible .entry bare()\n{\nret;\n}\n.entry barer\n{\n}"), Is.EqualTo(expected));
    }

    [Test]
    public void SkipsDeviceFunctions()
    {
        Assert.That(PtxModuleText.Entries(".func (.param .b32 r) helper(.param .b32 x)\n{\nret;\n}"), Is.Empty);
    }
}
