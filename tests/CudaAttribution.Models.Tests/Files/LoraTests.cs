using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.Files.Lora;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Weights;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests.Files;

/// <summary>LoRA adapters in four conventions of names, against weights that PyTorch found by running the modules.</summary>
public class LoraTests
{
    private static readonly string[] Adapters =
        ["lora_kohya.safetensors", "lora_peft.safetensors", "lora_diffusers.safetensors", "lora_processors.bin"];

    private const string Down = "lora_unet_conv_in.lora_down.weight", Up = "lora_unet_conv_in.lora_up.weight";

    private SafetensorsFile _file = null!;
    private WeightView _unet = null!, _text = null!;
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void SetUp()
    {
        _folder = new TemporaryFolder();
        _file = SafetensorsFile.Open(WeightFixtures.PathOf("lora_base.safetensors"));
        (_unet, _text) = (Part("unet."), Part("text_encoder."));
    }

    [TearDown]
    public void TearDown()
    {
        _file.Dispose();
        _folder.Dispose();
    }

    [TestCaseSource(nameof(Adapters))]
    public void MergedAsTheModulesCompute(string name)
    {
        using var notes = WeightFixtures.Json("lora_expected.json");
        using var expected = SafetensorsFile.Open(WeightFixtures.PathOf("lora_expected.safetensors"));
        var note = notes.RootElement.GetProperty(name);
        (IWeightSource UNet, IWeightSource TextEncoder) merged;
        using (var adapter = LoraAdapter.Open(WeightFixtures.PathOf(name)))
        {
            Assert.That(adapter.ModuleCount, Is.EqualTo(note.GetProperty("changed").GetArrayLength()));
            merged = adapter.Merge(_unet, _text, note.GetProperty("scale").GetSingle());
        }
        var changed = note.GetProperty("changed").EnumerateArray().Select(c => c.GetString()!).ToHashSet();
        foreach (string full in _file.Weights.Keys)
        {
            string weight = full[(full.IndexOf('.') + 1)..];
            var source = full.StartsWith("unet.") ? merged.UNet : merged.TextEncoder;
            float[] values = source.ReadF32(weight);
            Assert.That(source.Weights[weight].Shape, Is.EqualTo(_file.Weights[full].Shape));
            if (!changed.Contains(full)) Assert.That(values, Is.EqualTo(_file.ReadF32(full)), full);
            else Assert.That(Nmse.Of(values, expected.ReadF32($"{name}/{full}")), Is.LessThan(1e-13), full);
        }
    }

    [Test]
    public void AnyRangeIsMergedAsTheWhole()
    {
        using var adapter = LoraAdapter.Open(WeightFixtures.PathOf("lora_kohya.safetensors"));
        var (unet, _) = adapter.Merge(_unet, _text);
        const string Name = "down_blocks.0.resnets.0.conv1.weight";
        float[] whole = unet.ReadF32(Name);
        for (int start = 0; start < whole.Length; start += 5)
        {
            for (int count = 1; count <= whole.Length - start; count += 17)
            {
                float[] part = new float[count];
                unet.ReadF32(Name, start, part);
                Assert.That(part, Is.EqualTo(whole[start..(start + count)]));
            }
        }
        Assert.That(() => unet.ReadF32(Name, 0, new float[whole.Length + 1]), Throws.ArgumentException);
    }

    [Test]
    public void AHalfPrecisionWeightBecomesF32AndCanBeWritten()
    {
        SafetensorsWriter.Write(_folder["half.safetensors"], _unet, floats: DType.F16);
        using var half = SafetensorsFile.Open(_folder["half.safetensors"]);
        using var adapter = LoraAdapter.Open(WeightFixtures.PathOf("lora_processors.bin"));
        var (unet, _) = adapter.Merge(half, _text, 0.25f);
        const string Changed = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q.weight", Same = "conv_in.weight";
        Assert.That((unet.Weights[Changed].Type, unet.Weights[Same].Type), Is.EqualTo((DType.F32, DType.F16)));
        SafetensorsWriter.Write(_folder["merged.safetensors"], unet, floats: DType.F32);
        using var merged = SafetensorsFile.Open(_folder["merged.safetensors"]);
        Assert.That(merged.ReadF32(Changed), Is.EqualTo(unet.ReadF32(Changed)).And.Not.EqualTo(half.ReadF32(Changed)));
        Assert.That(merged.ReadF32(Same), Is.EqualTo(half.ReadF32(Same)));
    }

    [Test]
    public void StrengthZeroChangesNothing()
    {
        using var adapter = LoraAdapter.Open(WeightFixtures.PathOf("lora_peft.safetensors"));
        var (unet, _) = adapter.Merge(_unet, _text, 0);
        foreach (string name in _unet.Weights.Keys) Assert.That(unet.ReadF32(name), Is.EqualTo(_unet.ReadF32(name)), name);
        Assert.That(() => adapter.Merge(_unet, _text, float.NaN), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    [TestCase("lora_unet_conv_in.dora_scale")]
    [TestCase("lora_unet_conv_in.lora_mid.weight")]
    [TestCase("lora_unet_conv_in.hada_w1_a")]
    [TestCase("lora_te2_text_projection.bias")]
    [TestCase("unet.conv_in.lora_magnitude_vector")]
    [TestCase("unet.conv_in.lora_B.bias")]
    [TestCase("lora_unet_conv.in.lora_down.weight")]
    [TestCase(".alpha")]
    [TestCase("conv_in.weight")]
    public void KeysOfNoAdapterAreListed(string key) => Refused(
        AdapterWith((key, [1, 1], 1)),
        $"1 of its 3 tensors are of no LoRA adapter that is supported (diffusers, PEFT and kohya key names; no DoRA, LoHa, LoKr): {key}");

    [Test]
    public void ModulesThatTheModelDoesNotHaveAreListed()
    {
        Refused(
            AdapterWith(("lora_unet_conv_none.lora_down.weight", [1, 4], 1), ("lora_unet_conv_none.lora_up.weight", [6, 1], 1)),
            "1 of its 2 modules are not in the model: lora_unet_conv_none.lora_down.weight");
        Refused(
            AdapterWith(("text_encoder.text_model.none.lora_A.weight", [1, 4], 1), ("text_encoder.text_model.none.lora_B.weight", [6, 1], 1)),
            "1 of its 2 modules are not in the model: text_encoder.text_model.none.lora_A.weight");
        Refused(
            AdapterWith(("unet.conv_in.lora_A.weight", [1, 4, 3, 3], 1), ("unet.conv_in.lora_B.weight", [6, 1, 1, 1], 1)),
            "it changes 'conv_in.weight' twice");
    }

    [Test]
    public void HalvesAndDoublesAreRefused()
    {
        Refused(AdapterWith(("lora_unet_x.lora_down.weight", [1, 4], 1)), "one of the two matrices is missing for 1 modules: x");
        Refused(AdapterWith(("lora_unet_x.alpha", [], 1)), "one of the two matrices is missing for 1 modules: x");
        Refused(
            AdapterWith(("conv_out.lora_A.weight", [1, 4], 1), ("unet.conv_out.lora_A.weight", [1, 4], 1), ("conv_out.lora_B.weight", [1, 4], 1)),
            "are for the same module");
    }

    [TestCase(new[] { 2, 4, 3, 3 }, new[] { 6, 1, 1, 1 })]
    [TestCase(new[] { 2, 5, 3, 3 }, new[] { 6, 2, 1, 1 })]
    [TestCase(new[] { 2, 4, 3, 1 }, new[] { 6, 2, 1, 1 })]
    [TestCase(new[] { 2, 36 }, new[] { 6, 2 })]
    [TestCase(new[] { 2, 4, 3, 3 }, new[] { 7, 2, 1, 1 })]
    [TestCase(new[] { 2, 4, 3, 3 }, new[] { 6, 2, 3, 3 })]
    [TestCase(new[] { 0, 4, 3, 3 }, new[] { 6, 0, 1, 1 })]
    [TestCase(new[] { 72 }, new[] { 12 })]
    public void MatricesThatDoNotFitAreRefused(int[] down, int[] up) => Refused(
        new() { [Down] = Filled(down, 1), [Up] = Filled(up, 1) },
        $"'{Down}' {new Shape(down)} and '{Up}' {new Shape(up)} do not fit 'conv_in.weight' [6,4,3,3]");

    [Test]
    public void AMatrixFitsAPointwiseConvolutionAndTheOtherWayRound()
    {
        var tensors = new Dictionary<string, HostTensor>
        {
            ["unet.down_blocks.0.attentions.0.proj_in.lora_A.weight"] = Filled([1, 6], 2),
            ["unet.down_blocks.0.attentions.0.proj_in.lora_B.weight"] = Filled([6, 1], 3),
            ["unet.down_blocks.0.resnets.0.time_emb_proj.lora_A.weight"] = Filled([1, 8, 1, 1], 2),
            ["unet.down_blocks.0.resnets.0.time_emb_proj.lora_B.weight"] = Filled([7, 1, 1, 1], 3),
        };
        using var adapter = Save(tensors);
        var (unet, _) = adapter.Merge(_unet, _text);
        foreach (string name in (string[])["down_blocks.0.attentions.0.proj_in.weight", "down_blocks.0.resnets.0.time_emb_proj.weight"])
        {
            Assert.That(unet.ReadF32(name), Is.EqualTo(_unet.ReadF32(name).Select(v => v + 6)), name);
        }
    }

    [Test]
    public void ValuesThatNoAdapterHasAreRefused()
    {
        Refused(new() { [Down] = Filled([1, 4, 3, 3], float.NaN), [Up] = Filled([6, 1, 1, 1], 1) }, "element 0 is NaN");
        Refused(AdapterWith(("lora_unet_conv_in.alpha", [], float.PositiveInfinity)), "the scale of 'conv_in.weight' is");
        Refused(AdapterWith(("lora_unet_conv_in.alpha", [2], 1)), "one number is needed");
    }

    [TestCase("[]", "no JSON object")]
    [TestCase("{", "not valid JSON")]
    [TestCase("""{"\ud83d": 1}""", "not valid JSON")]
    [TestCase("""{"unet.use_dora": true}""", "DoRA")]
    [TestCase("""{"unet.lora_alpha": "x"}""", "'lora_alpha' is no number")]
    [TestCase("""{"unet.alpha_pattern": []}""", "'alpha_pattern' is no object")]
    [TestCase("""{"unet.alpha_pattern": {"conv.*": 1}}""", "regular expression")]
    [TestCase("""{"unet.alpha_pattern": {"conv_in": "1"}}""", "has no number")]
    public void MetadataThatCannotBeUsedAreRefused(string json, string reason)
    {
        var tensors = new Dictionary<string, HostTensor>
        {
            ["unet.conv_in.lora_A.weight"] = Filled([1, 4, 3, 3], 1), ["unet.conv_in.lora_B.weight"] = Filled([6, 1, 1, 1], 1),
        };
        using var adapter = Save(tensors, new() { ["lora_adapter_metadata"] = json });
        Assert.That(() => adapter.Merge(_unet, _text), Throws.TypeOf<ModelFileException>().With.Message.Contains(reason));
    }

    private void Refused(Dictionary<string, HostTensor> tensors, string reason) => Assert.That(
        () =>
        {
            using var adapter = Save(tensors);
            adapter.Merge(_unet, _text);
        },
        Throws.TypeOf<ModelFileException>().With.Message.Contains(reason).And.Message.Contains(_folder["adapter.safetensors"]));

    private LoraAdapter Save(Dictionary<string, HostTensor> tensors, Dictionary<string, string>? metadata = null)
    {
        SafetensorsWriter.Write(_folder["adapter.safetensors"], tensors, metadata);
        return LoraAdapter.Open(_folder["adapter.safetensors"]);
    }

    private static Dictionary<string, HostTensor> AdapterWith(params (string Key, int[] Shape, float Value)[] more)
    {
        var tensors = new Dictionary<string, HostTensor> { [Down] = Filled([1, 4, 3, 3], 1), [Up] = Filled([6, 1, 1, 1], 1) };
        foreach (var (key, shape, value) in more) tensors.Add(key, Filled(shape, value));
        return tensors;
    }

    private static HostTensor Filled(Shape shape, float value) => HostTensor.From(Enumerable.Repeat(value, (int)shape.Count).ToArray(), shape);

    private WeightView Part(string prefix)
    {
        var view = new WeightView(_file.Path);
        foreach (string name in _file.Weights.Keys.Where(n => n.StartsWith(prefix))) view.Add(name[prefix.Length..], _file, name);
        return view;
    }
}
