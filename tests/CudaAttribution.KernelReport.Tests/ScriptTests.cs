using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace CudaAttribution.KernelReport.Tests;

/// <summary>The scripts around ptxas, with one that only says what a test wants it to.</summary>
public sealed class ScriptTests
{
    private const string Ptx = ".visible .entry scale_f32(\n)\n.maxntid 256\n{\n}\n.visible .entry gemm_nn_f32(\n)\n.maxntid 96, 1, 1\n{\n}\n";

    private TemporaryFolder _work = null!;

    [SetUp]
    public void SetUp()
    {
        _work = new TemporaryFolder();
        File.WriteAllText(_work["kernels.sm_80.ptx"], Ptx);
        File.WriteAllText(_work["kernels.json"], "{\n  \"compiler\": \"clang 1.2.3\",\n}");
    }

    [TearDown]
    public void TearDown() => _work.Dispose();

    [Test]
    public void Resident_blocks_follow_registers_shared_memory_and_limits_of_each_generation()
    {
        Tools(Says("scale_f32", 80) + Says("gemm_nn_f32", 33, shared: 50000));
        var (exitCode, output) = Run("build/check-ptxas.sh", "--dump", _work["dump"], _work["kernels.sm_80.ptx"]);
        Assert.That(exitCode, Is.Zero, output);
        var rows = KernelResources.Read(_work["dump/resources.tsv"]).ToDictionary(r => (r.Target, r.Kernel));
        // 80 registers: 2560 a warp, 25 warps, to a multiple of 4: 24, three blocks of 8.
        Assert.That(rows[("sm_80", "scale_f32")], Is.EqualTo(new KernelResources("sm_80", "scale_f32", 256, 80, 0, 0, 0, 3, 24, 64)));
        Assert.That(rows[("sm_86", "scale_f32")], Is.EqualTo(new KernelResources("sm_86", "scale_f32", 256, 80, 0, 0, 0, 3, 24, 48)));
        // 50,000 bytes, to 128 and with 1 KB more 51,072: three of 164 KB, two of 100 KB, four of 228 KB.
        Assert.That(rows[("sm_80", "gemm_nn_f32")], Is.EqualTo(new KernelResources("sm_80", "gemm_nn_f32", 96, 33, 50000, 0, 0, 3, 9, 64)));
        Assert.That(rows[("sm_89", "gemm_nn_f32")].Blocks, Is.EqualTo(2));
        Assert.That(rows[("sm_90a", "gemm_nn_f32")].Blocks, Is.EqualTo(4));
        Assert.That(rows[("sm_90", "scale_f32")].Occupancy, Is.EqualTo(38));
        Assert.That(File.ReadAllText(_work["dump/tools.txt"]).Trim(), Is.EqualTo("ptxas 12.9.86, clang 1.2.3"));
        Assert.That(File.ReadAllText(_work["dump/sm_90.sass"]), Does.Contain("machine code of sm_90"));
        Assert.That(output, Does.Contain("sm_86: 2 kernels, 0 with spills"));
    }

    [Test]
    public void A_spill_fails_and_dumps_nothing()
    {
        Tools(Says("scale_f32", 80, spill: 8));
        var (exitCode, output) = Run("build/check-ptxas.sh", "--dump", _work["dump"], _work["kernels.sm_80.ptx"]);
        Assert.That(exitCode, Is.EqualTo(1));
        Assert.That(output, Does.Contain("sm_90: 1 kernels, 1 with spills"));
        Assert.That(Directory.Exists(_work["dump"]), Is.False);
    }

    [TestCase("ptxas info    : (C7510) Potential Performance Loss: wgmma.mma_async instructions are serialized due to x in function 'scale_f32'")]
    [TestCase("ptxas info    : Potential Performance Loss: wgmma.mma_async instructions are serialized due to x")]
    public void Serialised_tensor_core_instructions_fail(string warning)
    {
        Tools(warning + "\n" + Says("scale_f32", 80));
        var (exitCode, output) = Run("build/check-ptxas.sh", _work["kernels.sm_80.ptx"]);
        Assert.That(exitCode, Is.EqualTo(1));
        Assert.That(output, Does.Contain("sm_90a: asynchronous tensor-core instructions are serialised").And.Contain("due to x"));
    }

    [Test]
    public void What_does_not_assemble_fails()
    {
        Tools("ptxas fatal   : Unresolved extern function 'erff'", exitCode: 255);
        var (exitCode, output) = Run("build/check-ptxas.sh", _work["kernels.sm_80.ptx"]);
        Assert.That(exitCode, Is.EqualTo(1));
        Assert.That(output, Does.Contain("erff").And.Contain("sm_80: does not assemble"));
        (exitCode, output) = Run("build/cubins.sh", _work["."]);
        Assert.That(exitCode, Is.EqualTo(1));
        Assert.That(output, Does.Contain("erff").And.Contain("does not assemble for sm_80"));
        Assert.That(Directory.GetFileSystemEntries(_work["."], "*cubin*"), Is.Empty);
    }

    [Test]
    public void A_log_without_kernels_is_not_taken_for_a_good_one()
    {
        Tools("ptxas info    : 0 bytes gmem");
        var (exitCode, output) = Run("build/check-ptxas.sh", _work["kernels.sm_80.ptx"]);
        Assert.That(exitCode, Is.EqualTo(1));
        Assert.That(output, Does.Contain("was not understood"));
    }

    [Test]
    public void Without_a_file_2_and_without_ptxas_3()
    {
        Tools(Says("scale_f32", 80));
        Assert.That(Run("build/check-ptxas.sh", _work["none.ptx"]).ExitCode, Is.EqualTo(2));
        Assert.That(Run("build/check-ptxas.sh", "--what").ExitCode, Is.EqualTo(2));
        Assert.That(Run("build/cubins.sh", _work["none"]).ExitCode, Is.EqualTo(2));
        foreach (string version in new[] { "11.8.89", "" })
        {
            Tools(Says("scale_f32", 80), version: version);
            foreach (string[] script in new string[][] { ["build/check-ptxas.sh", _work["kernels.sm_80.ptx"]], ["build/cubins.sh", _work["."]] })
            {
                var (exitCode, output) = Run(script);
                Assert.That(exitCode, Is.EqualTo(3), output);
                Assert.That(output, Does.Contain("CUATTR_PTXAS names").And.Contain("none of CUDA 12.0 or newer"));
            }
        }
    }

    [Test]
    public void Cubins_are_named_with_the_hashes_of_what_they_are_and_of_what_they_were_made()
    {
        Tools(Says("scale_f32", 80));
        File.WriteAllText(_work["kernels.cubins.json"], "of an older PTX");
        var (exitCode, output) = Run("build/cubins.sh", _work["."]);
        Assert.That(exitCode, Is.Zero, output);
        var manifest = JsonNode.Parse(File.ReadAllText(_work["kernels.cubins.json"]))!;
        var expected = new JsonObject
        {
            ["format"] = 1, ["ptx_sha256"] = Hash("kernels.sm_80.ptx"), ["assembler"] = "ptxas 12.9.86",
            ["cubins"] = new JsonArray(Cubin("sm_80"), Cubin("sm_90")),
        };
        Assert.That(manifest.ToJsonString(), Is.EqualTo(expected.ToJsonString()));
        Assert.That(File.ReadAllText(_work["kernels.sm_90.cubin"]), Does.StartWith("sm_90"));
        Assert.That(Directory.GetFileSystemEntries(_work["."], "cubins.*"), Is.Empty);

        JsonNode Cubin(string target) =>
            new JsonObject { ["target"] = target, ["file"] = $"kernels.{target}.cubin", ["sha256"] = Hash($"kernels.{target}.cubin") };
    }

    private static string Says(string kernel, int registers, int shared = 0, int spill = 0) =>
        $"ptxas info    : Compiling entry function '{kernel}' for 'sm_80'\nptxas info    : Function properties for {kernel}\n"
        + $"    {spill} bytes stack frame, {spill} bytes spill stores, {spill} bytes spill loads\n"
        + $"ptxas info    : Used {registers} registers, {(shared > 0 ? $"{shared} bytes smem, " : "")}392 bytes cmem[0]\n";

    private string Hash(string file) => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(_work[file])));

    // A ptxas that says a text and writes its target as machine code, and an nvdisasm that shows that.
    private void Tools(string says, int exitCode = 0, string version = "12.9.86")
    {
        File.WriteAllText(_work["says"], says);
        string shows = version.Length > 0 ? $"if [[ $1 == --version ]]; then echo 'Cuda compilation tools, release 12.9, V{version}'; exit; fi\n" : "";
        Script("ptxas", shows + $$"""
            for a in "$@"; do case $a in -arch=*) target=${a#-arch=} ;; esac; done
            while (($# > 0)) && [[ $1 != -o ]]; do shift; done
            cat '{{_work["says"]}}' >&2
            echo "$target" > "$2"
            exit {{exitCode}}
            """);
        Script("nvdisasm", shows + "echo machine code of $(cat \"$2\")");
    }

    private void Script(string name, string text)
    {
        File.WriteAllText(_work[name], $"#!/usr/bin/env bash\n{text}\n");
        Assert.That(Repository.Bash(null, "-c", $"chmod +x '{_work[name]}'").ExitCode, Is.Zero);
    }

    private (int ExitCode, string Output) Run(params string[] arguments) =>
        Repository.Bash(new Dictionary<string, string> { ["CUATTR_PTXAS"] = _work["ptxas"] }, arguments);
}
