using CudaAttribution.Models.Layers;
using CudaAttribution.Models.Text;
using CudaAttribution.Models.UNet;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tensors.Weights;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests;

/// <summary>
/// No setting is accepted and ignored: each that must change the output does, and the two that only say how weights are stored or computed do not.
/// </summary>
public class ConfigEffectTests
{
    private static readonly UNetConfig UNet = Tiny.Preset.UNet;

    private static readonly ClipTextConfig Text = Tiny.Preset.TextEncoder with { VocabSize = 10, MaxPositionEmbeddings = 6 };

    [Test]
    public void UNetSettingsChangeTheOutput()
    {
        float[] output = Run(UNet);
        Assert.That(Run(UNet with { NormEps = 1e-2f }), Is.Not.EqualTo(output), "norm_eps");
        Assert.That(Run(UNet with { NormNumGroups = 2 }), Is.Not.EqualTo(output), "norm_num_groups");
        Assert.That(Run(UNet with { AttentionHeadDim = 2 }), Is.Not.EqualTo(output), "attention_head_dim");
        Assert.That(Run(UNet with { AttentionHeadDim = new[] { 4, 2 } }), Is.Not.EqualTo(output), "attention_head_dim of a level");
        Assert.That(Run(UNet with { DownsamplePadding = 0 }), Is.Not.EqualTo(output), "downsample_padding");
    }

    [Test]
    public void UNetSettingsThatMustNotChangeTheOutput()
    {
        float[] output = Run(UNet);
        Assert.That(Run(UNet with { UpcastAttention = true }), Is.EqualTo(output), "F32 needs no upcast");
        Assert.That(
            Nmse.Of(Run(UNet with { UseLinearProjection = true }), output),
            Is.LessThan(1e-12),
            "1x1 convolutions and matrices are the same numbers");
        Assert.That(Run(UNet with { SampleSize = 16 }), Is.EqualTo(output), "the sample brings its own size");
    }

    [Test]
    public void TextEncoderSettingsChangeTheOutput()
    {
        float[] output = Run(Text);
        Assert.That(Run(Text with { LayerNormEps = 1e-2f }), Is.Not.EqualTo(output), "layer_norm_eps");
        Assert.That(Run(Text with { HiddenAct = "quick_gelu" }), Is.Not.EqualTo(output), "hidden_act");
        Assert.That(Run(Text with { NumAttentionHeads = 4 }), Is.Not.EqualTo(output), "num_attention_heads");
    }

    [Test]
    public void WhatDoesNotFitIsRefused()
    {
        using var device = ComputeDevice.Open("cpu");
        using var parameters = new ParameterSet(device);
        var unet = new UNet2DConditionModel(UNet, new ParameterScope(parameters, new WeightInit()));
        parameters.Freeze(trainable: false);
        using var tape = new Tape(device, record: false);
        Tensor sample = tape.New(new Shape(2, 8, 8, 3)), time = tape.New(new Shape(2), DType.I32), text = tape.New(new Shape(2, 5, 16));
        Assert.That(
            () => unet.Forward(tape, tape.New(new Shape(2, 8, 8, 4)), time, text),
            Throws.ArgumentException.With.Message.Contains("[N,H,W,3]"));
        Assert.That(
            () => unet.Forward(tape, tape.New(new Shape(2, 7, 8, 3)), time, text),
            Throws.ArgumentException.With.Message.Contains("divisible by 2"));
        Assert.That(
            () => unet.Forward(tape, sample, tape.New(new Shape(3), DType.I32), text),
            Throws.ArgumentException.With.Message.Contains("I32 [2]"));
        Assert.That(
            () => unet.Forward(tape, sample, time, tape.New(new Shape(2, 5, 20))),
            Throws.ArgumentException.With.Message.Contains("[2,L,16]"));
        Assert.That(
            () => new UNet2DConditionModel(UNet with { NormNumGroups = 3 }, new ParameterScope(parameters, new WeightInit())),
            Throws.ArgumentException.With.Message.Contains("norm_num_groups"));
        Assert.That(
            () => new ClipTextModel(Text with { HiddenAct = "relu" }, new ParameterScope(parameters, new WeightInit())),
            Throws.ArgumentException.With.Message.Contains("relu"));
    }

    private static float[] Run(UNetConfig config) => Run(
        scope => new UNet2DConditionModel(config, scope),
        (tape, unet) => unet.Forward(tape, Input(tape, 2, 8, 8, 3), tape.Arena.From([3, 700], new Shape(2)), Input(tape, 2, 5, 16)));

    private static float[] Run(ClipTextConfig config) => Run(
        scope => new ClipTextModel(config, scope),
        (tape, model) => model.Forward(tape, tape.Arena.From([1, 4, 5, 9, 2, 0], new Shape(1, 6))));

    private static float[] Run<T>(Func<ParameterScope, T> build, Func<Tape, T, Tensor> forward)
    {
        using var device = ComputeDevice.Open("cpu");
        using var parameters = new ParameterSet(device);
        var init = new WeightInit();
        var model = build(new ParameterScope(parameters, init));
        parameters.Freeze(trainable: false);
        init.Fill(parameters, seed: 4);
        using var tape = new Tape(device, record: false);
        return forward(tape, model).ToArray<float>();
    }

    private static Tensor Input(Tape tape, params int[] shape)
    {
        var x = tape.New(shape);
        CudaAttribution.Tensors.Ops.RandomNumbers.Normal(x, seed: 5, stream: (ulong)shape.Length);
        return x;
    }
}
