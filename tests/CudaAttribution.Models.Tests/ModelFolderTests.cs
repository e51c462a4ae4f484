using System.Text.Json.Nodes;
using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Files;
using CudaAttribution.Models.Text;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Weights;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests;

/// <summary>Model folders: the same after a round trip, and every way in which one can be broken named.</summary>
public class ModelFolderTests : DeviceFixture
{
    [Test]
    public void SavedAndLoadedIsTheSame([Values] ModelUse use)
    {
        using var model = Tiny.Model(Device);
        model.Save(Folder["m"]);
        using var loaded = DiffusionModel.Load(Folder["m"], Device, use);
        Assert.That(loaded.WeightsHash(), Is.EqualTo(model.WeightsHash()));
        Assert.That(
            (loaded.UNetParameterCount, loaded.TextEncoderParameterCount),
            Is.EqualTo((model.UNetParameterCount, model.TextEncoderParameterCount)));
        Assert.That(
            (loaded.UNet.Config.ToJson(), loaded.TextEncoder.Config, loaded.Scheduler),
            Is.EqualTo((model.UNet.Config.ToJson(), model.TextEncoder.Config, model.Scheduler)));
        Assert.That(loaded.Tokenizer.Encode(Tiny.Captions), Is.EqualTo(model.Tokenizer.Encode(Tiny.Captions)));
        Assert.That(
            Directory.EnumerateFileSystemEntries(Folder.Path).Select(Path.GetFileName),
            Is.EqualTo(new[] { "m" }),
            "nothing temporary is left");
    }

    [TestCase("CLIPTokenizer")]
    [TestCase("CLIPTokenizerFast")]
    public void TheTokenizerIsOfTheClassInTheIndex(string name)
    {
        using (var model = DiffusionModel.Create(Tiny.Preset, ClipTokenizer.OpenAI("!", maxLength: 6), Device, seed: 1)) model.Save(Folder["m"]);
        string path = Folder["m", "model_index.json"], index = File.ReadAllText(path);
        Assert.That(JsonNode.Parse(index)!["tokenizer"]!.AsArray().Select(v => (string)v!), Is.EqualTo(new[] { "transformers", "CLIPTokenizer" }));
        File.WriteAllText(path, index.Replace("\"CLIPTokenizer\"", $"\"{name}\"", StringComparison.Ordinal));
        using var loaded = DiffusionModel.Load(Folder["m"], Device);
        Assert.That(loaded.Tokenizer.Encode(["a cat"]), Is.EqualTo(new[] { 49406, 320, 2368, 49407, 0, 0 }));
    }

    [Test]
    public void FilesHavePyTorchsLayoutAndDiffusersNames()
    {
        using var model = Tiny.Model(Device);
        model.Save(Folder["m"]);
        using var file = SafetensorsFile.Open(Folder["m", "unet", "diffusion_pytorch_model.safetensors"]);
        Assert.That(file.Tensors["conv_in.weight"].Shape, Is.EqualTo(new Shape(8, 3, 3, 3)));
        Assert.That(file.Tensors["down_blocks.1.resnets.0.conv_shortcut.weight"].Shape, Is.EqualTo(new Shape(16, 8, 1, 1)));
        Assert.That(
            file.Tensors.Keys,
            Has.Member("up_blocks.0.attentions.1.transformer_blocks.0.attn2.to_out.0.bias")
                .And.Member("mid_block.attentions.0.transformer_blocks.0.ff.net.0.proj.weight"));
        Assert.That(file.Metadata["format"], Is.EqualTo("pt"), "transformers refuses files without it");
        float[] inFile = file.ReadF32("conv_in.weight"), inMemory = model.Trained["unet.conv_in.weight"].ToArray<float>();
        for (int o = 0; o < 8; o++)
        {
            for (int i = 0; i < 3; i++)
            {
                for (int k = 0; k < 9; k++) Assert.That(inFile[(o * 3 + i) * 9 + k], Is.EqualTo(inMemory[(o * 9 + k) * 3 + i]));
            }
        }
        using var text = SafetensorsFile.Open(Folder["m", "text_encoder", "model.safetensors"]);
        Assert.That(
            text.Tensors.Keys,
            Has.Member("text_model.encoder.layers.0.self_attn.q_proj.weight").And.Member("text_model.final_layer_norm.bias"));
    }

    [Test]
    public void SmallerTypesRoundTripWithinTheirPrecision([Values(DType.F16, DType.BF16)] DType type)
    {
        using var model = Tiny.Model(Device);
        model.Save(Folder["m"], type);
        using var loaded = DiffusionModel.Load(Folder["m"], Device, ModelUse.TrainAll);
        double unit = type == DType.F16 ? 1.0 / 2048 : 1.0 / 256;
        foreach (string name in model.Trained.Names)
        {
            float[] before = model.Trained[name].ToArray<float>(), after = loaded.Trained[name].ToArray<float>();
            // The second term is half of F16's smallest step near zero.
            for (int i = 0; i < before.Length; i++) Assert.That(after[i], Is.EqualTo(before[i]).Within(unit * Math.Abs(before[i]) + 3e-8), name);
        }
        loaded.Save(Folder["again"], type);
        using var again = DiffusionModel.Load(Folder["again"], Device);
        Assert.That(again.WeightsHash(), Is.EqualTo(loaded.WeightsHash()));
    }

    [Test]
    public void AWeightBeyondTheTypeIsRefusedAndNothingIsLeft()
    {
        using var model = Tiny.Model(Device);
        Set(model, "unet.conv_out.bias", 1e6f);
        Assert.That(() => model.Save(Folder["m"], DType.F16), Throws.TypeOf<ModelFileException>().With.Message.Contains("conv_out.bias"));
        Assert.That(Directory.EnumerateFileSystemEntries(Folder.Path), Is.Empty);
    }

    [Test]
    public void SavingReplacesAModelButNothingElse()
    {
        using var first = Tiny.Model(Device, seed: 1);
        using var second = Tiny.Model(Device, seed: 2);
        first.Save(Folder["m"]);
        second.Save(Folder["m"]);
        using var loaded = DiffusionModel.Load(Folder["m"], Device);
        Assert.That(loaded.WeightsHash(), Is.EqualTo(second.WeightsHash()).And.Not.EqualTo(first.WeightsHash()));
        Directory.CreateDirectory(Folder["other"]);
        File.WriteAllText(Folder["other", "thesis.txt"], "years of work");
        Assert.That(() => first.Save(Folder["other"]), Throws.TypeOf<ModelFileException>().With.Message.Contains("other things"));
        Assert.That(File.ReadAllText(Folder["other", "thesis.txt"]), Is.EqualTo("years of work"));
        File.WriteAllText(Folder["file"], "x");
        Assert.That(() => first.Save(Folder["file"]), Throws.TypeOf<ModelFileException>().With.Message.Contains("file of that name"));
        Assert.That(() => first.Save(Folder["file", "below"]), Throws.TypeOf<ModelFileException>().With.Message.Contains("cannot be written"));
    }

    [TestCase("model_index.json")]
    [TestCase("unet/config.json")]
    [TestCase("unet/diffusion_pytorch_model.safetensors")]
    [TestCase("text_encoder/config.json")]
    [TestCase("text_encoder/model.safetensors")]
    [TestCase("tokenizer/vocab.json")]
    [TestCase("tokenizer/tokenizer_config.json")]
    [TestCase("scheduler/scheduler_config.json")]
    public void AMissingFileIsNamedInFull(string file)
    {
        string path = Path.Combine(SaveTiny(), file);
        File.Delete(path);
        Assert.That(
            Loading,
            Throws.TypeOf<ModelFileException>().With.Message.Contains($"{path} does not exist").And.Message.Contains("complete model folder"));
    }

    [Test]
    public void AMissingFolderIsNamed() =>
        Assert.That(Loading, Throws.TypeOf<ModelFileException>().With.Message.Contains(Folder["m"]).And.Message.Contains("model_index.json"));

    [Test]
    public void TruncatedWeightsAreRefused([Values(0, 5, 200, 20000)] int length)
    {
        string path = Path.Combine(SaveTiny(), "unet", "diffusion_pytorch_model.safetensors");
        File.WriteAllBytes(path, File.ReadAllBytes(path)[..length]);
        Assert.That(Loading, Throws.TypeOf<ModelFileException>().With.Message.Contains(path));
    }

    [TestCase(float.NaN)]
    [TestCase(float.PositiveInfinity)]
    public void WeightsThatAreNotNumbersAreRefusedByName(float bad)
    {
        using (var model = Tiny.Model(Device))
        {
            Set(model, "unet.mid_block.resnets.0.conv1.bias", bad);
            model.Save(Folder["m"]);
        }
        Assert.That(
            Loading,
            Throws.TypeOf<ModelFileException>().With.Message.Contains("'mid_block.resnets.0.conv1.bias'").And.Message.Contains("element"));
    }

    [Test]
    public void TensorsThatDoNotFitAreListed()
    {
        string path = Path.Combine(SaveTiny(), "unet", "diffusion_pytorch_model.safetensors");
        var tensors = new Dictionary<string, HostTensor>();
        using (var file = SafetensorsFile.Open(path))
        {
            foreach (string name in file.Tensors.Keys) tensors[name] = file.Read(name);
        }
        tensors.Remove("conv_in.bias");
        tensors["lora.up"] = HostTensor.From(new float[1], new Shape(1));
        tensors["conv_out.weight"] = HostTensor.From(new float[8 * 3 * 9], new Shape(8, 3, 3, 3));
        SafetensorsWriter.Write(path, tensors);
        Assert.That(
            Loading,
            Throws.TypeOf<ModelFileException>().With.Message.Contains("1 missing: conv_in.bias").And.Message.Contains("1 superfluous: lora.up")
            .And.Message.Contains("conv_out.weight (is [8,3,3,3], must be [3,8,3,3])").And.Message.Contains(path));
    }

    [TestCase("\"UNet2DConditionModel\"", "\"UNet3DConditionModel\"", "UNet3DConditionModel")]
    [TestCase("\"WordTokenizer\"", "\"T5Tokenizer\"", "T5Tokenizer")]
    [TestCase("\"unet\": [", "\"controlnet\": [\"diffusers\", \"ControlNetModel\"], \"unet\": [", "'controlnet'")]
    [TestCase("\"unet\"", "\"_unet\"", "'unet'")]
    public void AnIndexOfAnotherPipelineIsRefused(string found, string replacement, string reason)
    {
        string path = Path.Combine(SaveTiny(), "model_index.json");
        File.WriteAllText(path, File.ReadAllText(path).Replace(found, replacement, StringComparison.Ordinal));
        Assert.That(Loading, Throws.TypeOf<ModelFileException>().With.Message.Contains(reason).And.Message.Contains(path));
    }

    [TestCase("tokenizer/tokenizer_config.json", "6", "7", "positions")]
    [TestCase("text_encoder/config.json", "\"vocab_size\": 13", "\"vocab_size\": 9", "tokens")]
    [TestCase("text_encoder/config.json", "\"hidden_size\": 16", "\"hidden_size\": 24", "cross_attention_dim")]
    [TestCase("unet/config.json", "\"out_channels\": 3", "\"out_channels\": 6", "out_channels")]
    public void PartsThatDoNotFitEachOtherAreRefused(string file, string found, string replacement, string reason)
    {
        string path = Path.Combine(SaveTiny(), file);
        string text = File.ReadAllText(path);
        Assert.That(text, Does.Contain(found));
        File.WriteAllText(path, text.Replace(found, replacement, StringComparison.Ordinal));
        Assert.That(Loading, Throws.TypeOf<ModelFileException>().With.Message.Contains(reason));
    }

    [Test]
    public void NewModelsDependOnTheSeedAloneAndStartAsLayersShould()
    {
        using var a = Tiny.Model(Device, seed: 1);
        using var b = Tiny.Model(Device, ModelUse.TrainUNet, seed: 1);
        using var c = Tiny.Model(Device, seed: 2);
        Assert.That(a.WeightsHash(), Is.EqualTo(b.WeightsHash()).And.Not.EqualTo(c.WeightsHash()));
        Assert.That(a.Trained["unet.conv_norm_out.weight"].ToArray<float>(), Has.All.EqualTo(1f));
        Assert.That(a.Trained["unet.conv_norm_out.bias"].ToArray<float>(), Has.All.EqualTo(0f));
        float[] conv = a.Trained["unet.mid_block.resnets.0.conv1.weight"].ToArray<float>();
        double bound = 1 / Math.Sqrt(16 * 9);
        Assert.That(conv.Max(Math.Abs), Is.InRange(0.99 * bound, bound));
        Assert.That(conv.Average(), Is.EqualTo(0).Within(bound / 10));
        Assert.That(conv.Average(v => v * v), Is.EqualTo(bound * bound / 3).Within(bound * bound / 20));
    }

    [Test]
    public void UnknownPresetsAreNamed()
    {
        Assert.That(ModelPreset.Names, Is.EqualTo(new[] { "demo", "nano", "small" }));
        Assert.That(() => ModelPreset.Load("huge"), Throws.TypeOf<ModelFileException>().With.Message.Contains("demo, nano, small"));
        Assert.That(
            () => ModelPreset.FromJson("{\"unet\": {}, \"vae\": {}}", "x", "x"),
            Throws.TypeOf<ModelFileException>().With.Message.Contains("'vae'"));
        Assert.That(
            () => ModelPreset.FromJson("{\"tokenizer\": {\"model_max_length\": 6, \"max_vocabulary\": 9}}", "x", "x"),
            Throws.TypeOf<ModelFileException>().With.Message.Contains("'text_encoder'"));
    }

    private void Loading() => DiffusionModel.Load(Folder["m"], Device).Dispose();

    private string SaveTiny()
    {
        using var model = Tiny.Model(Device, ModelUse.Sampling);
        model.Save(Folder["m"]);
        return Folder["m"];
    }

    private static void Set(DiffusionModel model, string name, float value)
    {
        float[] values = model.Trained[name].ToArray<float>();
        values[^1] = value;
        model.Trained[name].CopyFrom<float>(values);
    }
}
