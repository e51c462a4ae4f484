using System.IO.Compression;
using CudaAttribution.Tensors.Weights;
using CudaAttribution.Tensors.Weights.Torch;
using static CudaAttribution.Tensors.Tests.Weights.TorchArchive;

namespace CudaAttribution.Tensors.Tests.Weights;

/// <summary>Files of <c>torch.jit.save</c>: one that PyTorch made, and programs by hand that want more than to be read.</summary>
public sealed class TorchScriptTests
{
    private static readonly byte[] NoConstants = [0x80, 2, (byte)')', .. Stop];

    private TestFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new TestFolder();

    [TearDown]
    public void RemoveFolder() => _folder.Dispose();

    [Test]
    public void A_program_of_PyTorch_has_the_tensors_of_its_state_dict()
    {
        using var script = TorchFile.Open(Golden.File("weights/sscd.torchscript.pt"));
        using var state = TorchFile.Open(Golden.File("weights/sscd.torchvision.pt"));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(script.Weights.Keys, Is.EqualTo(state.Weights.Keys));
            foreach (string name in state.Weights.Keys)
                Assert.That(script.ReadTensor(name).Bytes.ToArray(), Is.EqualTo(state.ReadTensor(name).Bytes.ToArray()), name);
            Assert.That(script.SkippedGlobals, Is.Empty);
        }
    }

    [Test]
    public void Modules_in_modules_give_dotted_names()
    {
        byte[] inner = Module(Text("weight"), One(), Text("training"), [0x88]), outer = Module(Text("layer"), Module(Text("0"), inner), Text("bias"), One());
        using var file = TorchFile.Open(Save([0x80, 2, .. outer, .. Stop]));
        Assert.That(file.Weights.Keys, Is.EqualTo(new[] { "bias", "layer.0.weight" }));
    }

    [TestCase("posix", "system")]
    [TestCase("builtins", "eval")]
    [TestCase("os", "system")]
    public void A_program_that_would_act_is_refused_in_its_data_and_in_its_constants(string module, string name)
    {
        byte[] call = [.. Global(module, name), .. Tuple(Text("touch pwned")), .. Reduce];
        byte[] harmless = [0x80, 2, .. Module(Text("weight"), One()), .. Stop];
        Refused(Save([0x80, 2, .. Module(Text("weight"), One(), Text("x"), call), .. Stop]), $"'{module}.{name}', which no file of tensors needs");
        Refused(Save(harmless, [0x80, 2, .. call, 0x85, .. Stop]), $"'{module}.{name}', which no file of tensors needs");
        Assert.That(File.Exists("pwned"), Is.False);
    }

    // INST and the text opcodes are not written by torch.jit.save; 0x82 (EXT1) would look a class up in a registry.
    [TestCase(new byte[] { 0x80, 2, 0x82, 1, (byte)'.' }, "0x82")]
    [TestCase(new byte[] { 0x80, 2, (byte)'P', (byte)'x', (byte)'\n', (byte)'.' }, "0x50")]
    public void An_operation_that_is_not_on_the_list_is_refused(byte[] pickle, string named)
    {
        Refused(Save(pickle), named);
        Refused(Save([0x80, 2, .. Module(Text("weight"), One()), .. Stop], pickle), named);
    }

    [Test]
    public void Modules_that_hold_themselves_are_refused()
    {
        byte[] cyclic = [.. Global("__torch__", "M"), (byte)')', 0x81, (byte)'q', 1, .. Items(Text("me"), [(byte)'h', 1]), (byte)'b'];
        Refused(Save([0x80, 2, .. cyclic, .. Stop]), "modules deep");
    }

    [Test]
    public void Modules_that_are_shared_without_end_are_refused()
    {
        // 40 levels of two references each: 2^40 names out of 2 KB.
        byte[] module = Module(Text("weight"), One());
        for (int level = 0; level < 40; level++)
            module = Module(Text("a"), [.. module, (byte)'q', (byte)level], Text("b"), [(byte)'h', (byte)level]);
        Refused(Save([0x80, 2, .. module, .. Stop]), "attributes");
    }

    [Test]
    public void A_program_without_a_module_is_refused()
    {
        Refused(Save(Dict(Text("weight"), One())), "without a module");
        Refused(Save([0x80, 2, .. Module(Text("training"), [0x88]), .. Stop]), "no tensors by name");
    }

    private static byte[] One() => Tensor(Storage("FloatStorage", "0", 2), 0, [2], [1]);

    private static byte[] Module(params byte[][] attributes) => [.. Global("__torch__.m", "M"), (byte)')', 0x81, .. Items(attributes), (byte)'b'];

    private string Save(byte[] data, byte[]? constants = null)
    {
        string path = _folder["hand.pt"];
        File.WriteAllBytes(path, Zip(data, new() { ["0"] = Floats(1, 2) }));
        using (var zip = ZipFile.Open(path, ZipArchiveMode.Update))
        using (var entry = zip.CreateEntry("archive/constants.pkl", CompressionLevel.NoCompression).Open())
        {
            entry.Write(constants ?? NoConstants);
        }
        return path;
    }

    private static void Refused(string path, string reason) =>
        Assert.That(() => TorchFile.Open(path), Throws.TypeOf<WeightFileException>().With.Message.Contains(reason));
}
