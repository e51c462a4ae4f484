using System.Text.Json;
using CudaAttribution.Models.Files;
using CudaAttribution.Models.Watermark;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests.Watermark;

/// <summary>Both networks, their loss and all gradients, and JPEG's losses, against PyTorch and SciPy in float64; make_watermark_golden.py.</summary>
public class WatermarkGoldenTests : DeviceFixture
{
    [Test]
    public void MarkedPicturesLogitsLossAndGradients()
    {
        using var golden = new Golden("watermark");
        using var model = Model(golden);
        golden.Fill(model.Parameters);
        using var tape = new Tape(Device, record: true);
        var pictures = golden.Picture(tape.Arena, "x");
        var bits = golden.Tensor(tape.Arena, "bits");

        var marked = model.Mark(tape, pictures, bits, golden["amplitude"].GetDouble());
        var logits = model.Read(tape, marked);
        Assert.That(Nmse.Of(marked.ToArray<float>(), golden.Pictures("marked")), Is.LessThanOrEqualTo(Nmse.Limit), "marked");
        Assert.That(Nmse.Of(logits.ToArray<float>(), golden.Values("logits")), Is.LessThanOrEqualTo(Nmse.Limit), "logits");
        var similarity = tape.StructuralSimilarity(marked, pictures);
        Assert.That(similarity.ToArray<float>()[0], Is.EqualTo(golden["ssim"].GetDouble()).Within(1e-5));
        var other = tape.Add(tape.Mse(marked, pictures), tape.Scale(tape.Offset(similarity, -1), -0.1f));
        var loss = tape.Add(tape.BinaryCrossEntropy(logits, bits), other);
        Assert.That(loss.ToArray<float>()[0], Is.EqualTo(golden["loss"].GetDouble()).Within(1e-5));

        model.Parameters.ZeroGrad();
        tape.Backward(loss);
        foreach (string name in model.Parameters.Names)
        {
            var parameter = model.Parameters[name];
            float[] expected = WeightMap.FromFile(golden.Values($"grad.{name}"), parameter.Shape);
            Assert.That(Nmse.Of(parameter.Grad!.ToArray<float>(), expected), Is.LessThanOrEqualTo(Nmse.GradientLimit), name);
        }
    }

    [Test]
    public void PatternsAreInverseCosineTransforms()
    {
        using var golden = new Golden("watermark");
        int size = golden["size"].GetInt32();
        float[] planes = golden.Values("patterns"), values = MessagePatterns.Values(size);
        for (int i = 0; i < values.Length; i++)
        {
            Assert.That(values[i], Is.EqualTo(planes[(i % WatermarkConfig.Bits * size * size) + (i / WatermarkConfig.Bits)]).Within(1e-5), $"{i}");
        }
    }

    [Test]
    public void JpegLosesWhatJpegLoses()
    {
        using var golden = new Golden("watermark_jpeg");
        using var coder = new JpegCoder(Device);
        using var tape = new Tape(Device, record: false);
        int[] qualities = golden["qualities"].Deserialize<int[]>()!;
        float[] luma = new float[qualities.Length * JpegCoder.LumaSteps], chroma = new float[qualities.Length * JpegCoder.ChromaSteps];
        for (int i = 0; i < qualities.Length; i++)
        {
            JpegCoder.Steps(
                qualities[i], luma.AsSpan(i * JpegCoder.LumaSteps, JpegCoder.LumaSteps), chroma.AsSpan(i * JpegCoder.ChromaSteps, JpegCoder.ChromaSteps));
        }
        var y = coder.Apply(
            tape, golden.Picture(tape.Arena, "x"), tape.Arena.From(luma, new Shape(qualities.Length, JpegCoder.LumaSteps)),
            tape.Arena.From(chroma, new Shape(qualities.Length, JpegCoder.ChromaSteps)));
        Assert.That(Nmse.Of(y.ToArray<float>(), golden.Pictures("y")), Is.LessThanOrEqualTo(Nmse.Limit));
    }

    private WatermarkModel Model(Golden golden) => WatermarkModel.Create(
        new WatermarkConfig
        {
            Size = golden["size"].GetInt32(), EncoderWidth = golden["width"].GetInt32(), DecoderWidths = golden["decoder"].Deserialize<int[]>()!,
            Groups = golden["groups"].GetInt32(),
        },
        Device, seed: 0);
}
