using System.Text.Json;
using CudaAttribution.Tensors.Ops;
using CudaAttribution.Tensors.Weights;
using CudaAttribution.Tensors.Weights.Torch;

namespace CudaAttribution.Tensors.Tests.Weights;

/// <summary>Files of PyTorch itself (<c>build/oracle/make_weights.py</c>), against the values that PyTorch gives for them.</summary>
public sealed class TorchFileTests
{
    [Test]
    public void Reads_every_tensor_as_PyTorch_does([Values(2, 3, 4, 5)] int protocol)
    {
        using var expected = JsonDocument.Parse(File.ReadAllText(Golden.File("weights/views.json")));
        using var file = TorchFile.Open(Golden.File($"weights/views_protocol{protocol}.pt"));
        var floats = expected.RootElement.GetProperty("floats").EnumerateObject().ToArray();
        var integers = expected.RootElement.GetProperty("integers").EnumerateObject().ToArray();
        Assert.That(file.Weights.Keys, Is.EquivalentTo(floats.Concat(integers).Select(p => p.Name)));
        foreach (var tensor in floats)
        {
            Assert.That(file.Weights[tensor.Name].Shape.ToArray(), Is.EqualTo(Shape(tensor)), tensor.Name);
            Assert.That(Bits(file.ReadF32(tensor.Name)), Is.EqualTo(tensor.Value[1].GetString()), tensor.Name);
        }
        foreach (var tensor in integers)
        {
            var read = file.ReadTensor(tensor.Name);
            long[] values = read.Type switch
            {
                DType.I64 => read.Values<long>(),
                DType.I32 => [.. read.Values<int>().Select(v => (long)v)],
                _ => [.. read.Values<byte>().Select(v => (long)v)],
            };
            Assert.That(values, Is.EqualTo(tensor.Value[1].EnumerateArray().Select(v => v.GetInt64())), tensor.Name);
            Assert.That(() => file.ReadF32(tensor.Name), Throws.TypeOf<WeightFileException>().With.Message.Contains("floating-point"));
        }
    }

    [Test]
    public void Reads_any_range_of_a_view([Values("plain", "transposed", "columns", "permuted", "half_columns", "bfloat16")] string name)
    {
        using var file = TorchFile.Open(Golden.File("weights/views_protocol2.pt"));
        float[] whole = file.ReadF32(name);
        for (int start = 0; start <= whole.Length; start++)
        {
            for (int count = 0; count <= whole.Length - start; count++)
            {
                float[] part = new float[count];
                file.ReadF32(name, start, part);
                Assert.That(part, Is.EqualTo(whole[start..(start + count)]));
            }
        }
        Assert.That(() => file.ReadF32(name, 1, new float[whole.Length]), Throws.ArgumentException);
        Assert.That(() => file.ReadF32(name, -1, new float[1]), Throws.ArgumentException);
    }

    [Test]
    public void Tensors_of_types_that_are_not_read_are_named_with_the_reason()
    {
        using var file = TorchFile.Open(Golden.File("weights/views_protocol2.pt"));
        Assert.That(file.Unread.Keys, Is.EqualTo(new[] { "complex", "flag" }));
        Assert.That(file.Unread["flag"], Does.Contain("torch.BoolStorage"));
        Assert.That(() => file.Read("flag", 0, []), Throws.TypeOf<WeightFileException>().With.Message.Contains("BoolStorage"));
        Assert.That(() => file.ReadF32("none"), Throws.TypeOf<WeightFileException>().With.Message.Contains("no such tensor"));
    }

    [Test]
    public void A_checkpoint_of_a_trainer_gives_its_state_dict_and_names_what_was_left_out()
    {
        using var file = TorchFile.Open(Golden.File("weights/single_v1.ckpt"));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(file.Weights, Contains.Key("model.diffusion_model.input_blocks.0.0.weight"));
            Assert.That(file.Weights.Keys, Has.All.Not.Contains("exp_avg"));
            Assert.That(
                file.SkippedGlobals,
                Is.SupersetOf((string[])
                    ["pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint", "omegaconf.listconfig.ListConfig", "torch.device"]));
            Assert.That(file.Metadata["global_step"], Is.EqualTo("470000"));
            Assert.That(file.Metadata["rate"], Is.EqualTo("0.0001"));
            Assert.That(file.Metadata["done"], Is.EqualTo("False"));
            Assert.That(file.Metadata["pytorch-lightning_version"], Is.EqualTo("1.4.2"));
        }
    }

    [TestCase("legacy.pt", "before PyTorch 1.6 are not supported; convert it")]
    [TestCase("expanded.pt", "repeats the elements of its storage of 3")]
    [TestCase("module.pt", "torch.nn.modules.linear.Linear, a dict of tensors is needed")]
    [TestCase("nested.pt", "no tensors by name; its keys are a, note")]
    [TestCase("malicious_system.ckpt", "'posix.system', which no file of tensors needs")]
    [TestCase("malicious_eval.pt", ".eval', which no file of tensors needs")]
    public void What_cannot_be_read_is_said(string name, string reason)
    {
        string path = Golden.File($"weights/{name}");
        Assert.That(() => TorchFile.Open(path), Throws.TypeOf<WeightFileException>().With.Message.Contains(reason).And.Message.Contains(path));
        Assert.That(() => WeightFiles.Open(path), Throws.TypeOf<WeightFileException>().With.Message.Contains(reason));
        Assert.That(File.Exists("pwned"), Is.False);
    }

    [TestCase("", "the file is empty")]
    [TestCase("version https://git-lfs.github.com/spec/v1\noid sha256:1", "git lfs pull")]
    [TestCase("<!DOCTYPE html><html>", "web page")]
    [TestCase("\u0001\u0002", "neither a safetensors file nor one of torch.save")]
    [TestCase("PK\u0003\u0004", "no directory at its end")]
    public void Other_files_are_told_apart(string content, string reason)
    {
        using var folder = new TestFolder();
        foreach (string name in (string[])["model.bin", "model.safetensors"])
        {
            File.WriteAllText(folder[name], content);
            string expected = name == "model.safetensors" && content is "\u0001\u0002" ? "a safetensors file begins with 8 bytes" : reason;
            Assert.That(() => WeightFiles.Open(folder[name]), Throws.InstanceOf<WeightFileException>().With.Message.Contains(expected), name);
        }
    }

    [Test]
    public void A_tar_file_is_told_from_its_header()
    {
        using var folder = new TestFolder();
        byte[] tar = new byte[512];
        "ustar"u8.CopyTo(tar.AsSpan(257));
        File.WriteAllBytes(folder["old.pt"], tar);
        Assert.That(() => WeightFiles.Open(folder["old.pt"]), Throws.TypeOf<WeightFileException>().With.Message.Contains("tar files"));
    }

    [Test]
    public void A_file_is_known_by_its_content_and_not_by_its_name()
    {
        using var folder = new TestFolder();
        File.Copy(Golden.File("weights/single_v2.safetensors"), folder["a.ckpt"]);
        File.Copy(Golden.File("weights/views_protocol2.pt"), folder["b.safetensors"]);
        using var a = WeightFiles.Open(folder["a.ckpt"]);
        using var b = WeightFiles.Open(folder["b.safetensors"]);
        Assert.That((a.GetType(), b.GetType()), Is.EqualTo((typeof(SafetensorsFile), typeof(TorchFile))));
        Assert.That(() => WeightFiles.Open(folder.Path), Throws.TypeOf<WeightFileException>().With.Message.Contains("it is a folder"));
        Assert.That(() => WeightFiles.Open(folder["none"]), Throws.TypeOf<WeightFileException>().With.Message.Contains("cannot be opened"));
    }

    [Test]
    public void A_file_cut_anywhere_is_refused()
    {
        using var folder = new TestFolder();
        byte[] whole = File.ReadAllBytes(Golden.File("weights/views_protocol2.pt"));
        for (int length = 0; length < whole.Length; length += 7)
        {
            File.WriteAllBytes(folder["cut.pt"], whole[..length]);
            Assert.That(() => TorchFile.Open(folder["cut.pt"]), Throws.TypeOf<WeightFileException>(), $"{length} bytes");
        }
    }

    [Test]
    public void A_file_that_becomes_shorter_while_it_is_read_is_refused([Values("views_protocol2.pt", "single_v2.safetensors")] string name)
    {
        using var folder = new TestFolder();
        File.Copy(Golden.File($"weights/{name}"), folder[name]);
        using var file = WeightFiles.Open(folder[name]);
        using (var other = new FileStream(folder[name], FileMode.Open, FileAccess.Write, FileShare.ReadWrite)) other.SetLength(100);
        Assert.That(
            () => { foreach (string tensor in file.Weights.Keys) file.ReadTensor(tensor); },
            Throws.InstanceOf<WeightFileException>().With.Message.Contains("shorter"));
    }

    [Test]
    public void A_pipe_is_no_file_of_weights() => Assert.That(
        () => WeightFiles.Open("/dev/null"), Throws.InstanceOf<WeightFileException>().With.Message.Contains("/dev/null"));

    [Test]
    public void A_closed_file_is_not_read()
    {
        var file = TorchFile.Open(Golden.File("weights/views_protocol2.pt"));
        file.Dispose();
        file.Dispose();
        Assert.That(() => file.ReadF32("plain"), Throws.InstanceOf<ObjectDisposedException>());
    }

    private static int[] Shape(JsonProperty tensor) => [.. tensor.Value[0].EnumerateArray().Select(d => d.GetInt32())];

    private static string Bits(float[] values) => Convert.ToHexStringLower([.. values.SelectMany(BitConverter.GetBytes)]);
}
