using System.Text.Json;
using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Files.Lora;
using CudaAttribution.Models.Files.Sources;
using CudaAttribution.Models.Layers;
using CudaAttribution.Models.Training;
using CudaAttribution.Runs;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;
using CudaAttribution.Tensors.Weights;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests;

/// <summary>Training of a low-rank adapter: its start, its gradients, its files, and that nothing else changes.</summary>
public class LoraTrainingTests : DeviceFixture
{
    private static readonly LoraOptions Lora = new(Rank: 3, Alpha: 6, Seed: 2);

    private static readonly TrainOptions Options = new()
    {
        Steps = 6, BatchSize = 4, LearningRate = 1e-2, Seed = 5, ActivationCheckpointing = true,
    };

    [SetUp]
    public void SaveBase()
    {
        using var model = Tiny.Model(Device);
        model.Save(Folder["base"]);
    }

    [Test]
    public void ANewAdapterGivesTheBitsOfTheBase()
    {
        using var plain = DiffusionModel.Load(Folder["base"], Device);
        using var adapted = Load();
        Assert.That(Predict(adapted), Is.EqualTo(Predict(plain)));
        Assert.That(adapted.WeightsHash(), Is.EqualTo(plain.WeightsHash()));
        var set = adapted.Trained;
        // Two attentions in each of one down, one mid and two up layers, four projections each, two matrices each.
        Assert.That(set.Names, Has.Count.EqualTo(4 * 2 * 4 * 2));
        var downs = set.Names.Where(n => n.EndsWith(".lora_A.weight")).SelectMany(n => set[n].ToArray<float>()).ToArray();
        var ups = set.Names.Where(n => n.EndsWith(".lora_B.weight")).SelectMany(n => set[n].ToArray<float>());
        Assert.That(Math.Sqrt(downs.Average(v => (double)v * v)), Is.EqualTo(1.0 / 3).Within(0.02));
        Assert.That(downs.Average(), Is.Zero.Within(0.03));
        Assert.That(ups, Has.All.Zero);
    }

    [Test]
    public void GradientsAreFiniteDifferences()
    {
        using var model = Load();
        var set = model.Trained;
        RandomNumbers.Normal(set.Values, 3, 1);
        Elementwise.ScaleInto(set.Values, 0.3f, set.Values);
        set.ZeroGrad();
        using (var tape = new Tape(Device, record: true)) tape.Backward(Loss(tape, model));
        foreach (string name in set.Names)
        {
            // Along the gradient itself, where a step is felt most: (L(x + h g) − L(x − h g)) / 2h = |g|².
            float[] values = set[name].ToArray<float>(), gradient = set[name].Grad!.ToArray<float>();
            double squared = gradient.Sum(g => (double)g * g), h = 0.005 / Math.Sqrt(squared);
            double difference = (At(h) - At(-h)) / (2 * h);
            set[name].CopyFrom<float>(values);
            Assert.That(difference, Is.EqualTo(squared).Within(1).Percent, name);

            double At(double move)
            {
                set[name].CopyFrom<float>([.. values.Zip(gradient, (v, g) => (float)(v + move * g))]);
                using var tape = new Tape(Device, record: false);
                return Loss(tape, model).ToArray<float>()[0];
            }
        }
    }

    [Test]
    public void TheFileAddedToTheBaseIsTheMergedModel([Values(6.0, 3.0, null)] double? alpha)
    {
        using var model = Load(Lora with { Alpha = alpha });
        string before = model.WeightsHash();
        using (var trainer = Tiny.Training(model, Options)) trainer.Run();
        Assert.That(model.WeightsHash(), Is.EqualTo(before), "the base stays as it is");
        model.Save(Folder["merged"]);
        model.SaveAdapter(Folder["pytorch_lora_weights.safetensors"]);
        var reference = new ModelReference(Folder["base"]) { Adapters = [new(Folder["pytorch_lora_weights.safetensors"], 1)] };
        using var added = DiffusionModel.Load(reference, Device);
        using var merged = DiffusionModel.Load(Folder["merged"], Device);
        Assert.That(added.WeightsHash(), Is.EqualTo(merged.WeightsHash()).And.Not.EqualTo(before));
        Assert.That(Nmse.Of(Predict(merged), Predict(model)), Is.LessThan(1e-12));
        using var plain = DiffusionModel.Load(Folder["base"], Device);
        Assert.That(Nmse.Of(Predict(merged), Predict(plain)), Is.GreaterThan(1e-6), "training changed something");
    }

    [Test]
    public void TheFileIsNamedAsPeftNamesIt()
    {
        using var model = Load();
        model.SaveAdapter(Folder["a.safetensors"]);
        using var file = SafetensorsFile.Open(Folder["a.safetensors"]);
        const string Module = "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k";
        Assert.That(file.Weights[$"{Module}.lora_A.weight"].Shape, Is.EqualTo(new Shape(3, 16)));
        Assert.That(file.Weights.Keys, Has.Member("unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_out.0.lora_B.weight"));
        using var settings = JsonDocument.Parse(file.Metadata["lora_adapter_metadata"]);
        Assert.That(settings.RootElement.GetProperty("unet.r").GetInt32(), Is.EqualTo(3));
        Assert.That(settings.RootElement.GetProperty("unet.lora_alpha").GetDouble(), Is.EqualTo(6));
        Assert.That(
            settings.RootElement.GetProperty("unet.target_modules").EnumerateArray().Select(m => m.GetString()),
            Is.EqualTo(new[] { "to_k", "to_out.0", "to_q", "to_v" }));
        using var adapter = LoraAdapter.Open(Folder["a.safetensors"]);
        Assert.That(adapter.ModuleCount, Is.EqualTo(32));
    }

    [Test]
    public void StoppedAndResumedIsNeverStopped([Values(0.0, 0.9)] double ema)
    {
        var options = Options with { EmaDecay = ema, GradientAccumulation = 2 };
        float[] whole = Train(options);
        Train(options with { Steps = 3, CheckpointFolder = Folder["c"], CheckpointInterval = 3 });
        var going = options with { CheckpointFolder = Folder["c"], Resume = true };
        Assert.That(Train(going), Is.EqualTo(whole));
        Assert.That(() => Train(going, Lora with { Alpha = 3 }), Throws.TypeOf<ModelFileException>().With.Message.Contains("adapter.factor was 2, is 1"));
        Assert.That(() => Train(going, Lora with { Seed = 3 }), Throws.TypeOf<ModelFileException>().With.Message.Contains("adapter."));
    }

    [Test]
    public void OnlyTheAdapterTakesGradientsAndMoments()
    {
        MemoryPlan full;
        using (var whole = DiffusionModel.Load(Folder["base"], Device, ModelUse.TrainUNet)) full = MemoryPlan.Of(Tiny.Task(whole), Options);
        using var adapted = Load();
        var low = MemoryPlan.Of(Tiny.Task(adapted), Options);
        Assert.That(low.Gradients + low.Optimizer, Is.LessThan(0.3 * (full.Gradients + full.Optimizer)));
        Assert.That(low.Gradients, Is.EqualTo(adapted.Trained.Gradients.Bytes));
        using var trainer = Tiny.Training(adapted, Options);
        Device.Pool.Trim();
        Device.Pool.ResetPeaks();
        trainer.Run();
        Assert.That(Device.Pool.PeakReserved, Is.EqualTo(low.Total));
    }

    [Test]
    public void WhatMakesNoSenseIsRefused()
    {
        Assert.That(() => Load(new LoraOptions(0)), Throws.TypeOf<UserException>().With.Message.Contains("rank"));
        Assert.That(() => Load(new LoraOptions(2, double.NaN)), Throws.TypeOf<UserException>().With.Message.Contains("alpha"));
        Assert.That(() => Load(new LoraOptions(2, 0)), Throws.TypeOf<UserException>().With.Message.Contains("alpha"));
        Assert.That(
            () => DiffusionModel.Load(Folder["base"], Device, ModelUse.TrainAll, Lora), Throws.ArgumentException.With.Message.Contains("TrainUNet"));
        using var plain = DiffusionModel.Load(Folder["base"], Device);
        Assert.That(() => plain.SaveAdapter(Folder["a"]), Throws.InvalidOperationException.With.Message.Contains("without an adapter"));
    }

    private static Tensor Loss(Tape tape, DiffusionModel model)
    {
        var (output, sample) = Forward(tape, model);
        return tape.Mse(output, sample);
    }

    private static float[] Predict(DiffusionModel model)
    {
        using var tape = new Tape(model.Device, record: false);
        return Forward(tape, model).Output.ToArray<float>();
    }

    private static (Tensor Output, Tensor Sample) Forward(Tape tape, DiffusionModel model)
    {
        var sample = tape.New(new Shape(2, 8, 8, 3));
        RandomNumbers.Normal(sample, 1, 1);
        var text = tape.New(new Shape(2, 6, 16));
        RandomNumbers.Normal(text, 1, 2);
        return (model.UNet.Forward(tape, sample, tape.Arena.From([10, 700], new Shape(2)), text), sample);
    }

    private DiffusionModel Load(LoraOptions? lora = null) => DiffusionModel.Load(Folder["base"], Device, ModelUse.TrainUNet, lora ?? Lora);

    private float[] Train(TrainOptions options, LoraOptions? lora = null)
    {
        using var model = Load(lora);
        using var trainer = Tiny.Training(model, options);
        trainer.Run();
        return model.Trained.Values.ToArray<float>();
    }
}
