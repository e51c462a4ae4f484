using CudaAttribution.Images;
using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Training;
using CudaAttribution.Models.Watermark;
using CudaAttribution.Tensors;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests.Watermark;

/// <summary>Noise between encoder and decoder: each kind does what it says at its places, and every place gets its own gradient back.</summary>
public class NoiseLayersTests : DeviceFixture
{
    private const int Size = 16, Batch = 12, Step = 3, PictureElements = Size * Size * 3;

    private static readonly TrainOptions Options = SmallWatermark.Options(10);

    [Test]
    public void EveryKindHasItsRunOfPlaces()
    {
        using var noise = new NoiseLayers(Device, new WatermarkObjective(), null, Options);
        Assert.That(
            Enumerable.Range(0, Batch).Select(noise.Kind),
            Is.EqualTo(new[]
            {
                NoiseKind.None, NoiseKind.None, NoiseKind.None, NoiseKind.Resize, NoiseKind.Resize, NoiseKind.Jpeg, NoiseKind.Jpeg, NoiseKind.Jpeg,
                NoiseKind.Gaussian, NoiseKind.Gaussian, NoiseKind.Move, NoiseKind.Move,
            }));
    }

    [Test]
    public void TheDecoderGetsWhatEachKindMakesOfAPicture()
    {
        var objective = new WatermarkObjective { SmallestResize = 0.5 };
        float[] before = Pictures(), after = Noisy(objective, null, before);
        using var noise = new NoiseLayers(Device, objective, null, Options);
        var draws = new NoiseDraws(Options.Seed, Batch, Size, objective);
        for (int place = 0; place < Batch; place++)
        {
            float[] x = Of(before, place), y = Of(after, place), rounded = [.. x.Select(v => float.Round(v * 255) / 255)];
            double change = x.Zip(y).Max(p => double.Abs(p.First - p.Second));
            switch (noise.Kind(place))
            {
                case NoiseKind.None:
                    Assert.That(y, Is.EqualTo(rounded).Within(1e-6f));
                    break;
                case NoiseKind.Gaussian:
                    double[] z = [.. rounded.Zip(y, (a, b) => (b - a) / 0.02)];
                    Assert.That(z.Average(), Is.EqualTo(0).Within(0.15));
                    Assert.That(z.Average(v => v * v), Is.EqualTo(1).Within(0.2));
                    break;
                case NoiseKind.Resize:
                    float[] rows = new float[Size * Size], columns = new float[Size * Size];
                    draws.Resize(Step, place, rows, columns);
                    Assert.That(y, Is.EqualTo(Mapped(rounded, rows, columns)).Within(1e-5f));
                    Assert.That(rows, Is.EqualTo(columns));
                    break;
                case NoiseKind.Move:
                    Assert.That(y, Is.EqualTo(Moves(rounded).MinBy(m => m.Zip(y).Sum(p => double.Abs(p.First - p.Second)))).Within(1e-6f));
                    break;
                case NoiseKind.Jpeg:
                    Assert.That(change, Is.InRange(0.002, 0.5));
                    Assert.That(y, Is.All.Matches<float>(v => double.Abs((v * 255) - double.Round(v * 255)) < 1e-3), "a decoder sees bytes");
                    break;
            }
        }
    }

    /// <summary>Rows of the map are those of the program's own resize down and up, which rounds to bytes in between.</summary>
    [Test]
    public void AResizeIsTheProgramsOwn()
    {
        var objective = new WatermarkObjective();
        var picture = ((IPicture)new RgbImage(Size, Size, [.. Of(Pictures(), 2).Select(v => (byte)float.Round(v * 255))])).Read();
        float[] values = [.. picture.Pixels.Select(v => v / 255f)];
        var sides = new HashSet<int>();
        for (int place = 0; place < 40; place++)
        {
            float[] rows = new float[Size * Size], columns = new float[Size * Size];
            new NoiseDraws(1, 40, Size, objective).Resize(0, place, rows, columns);
            float[] mapped = Mapped(values, rows, columns);
            int side = Enumerable.Range(Size / 2, (Size / 2) + 1).MinBy(s => Distance(s, mapped));
            Assert.That(Distance(side, mapped), Is.LessThan(1.6 / 255), $"place {place}, side {side}");
            sides.Add(side);
        }
        Assert.That(sides, Is.EquivalentTo(Enumerable.Range(Size / 2, (Size / 2) + 1)), "all sides from half to whole are drawn");

        double Distance(int side, float[] mapped) =>
            picture.Resize(side, side).Resize(Size, Size).Pixels.Zip(mapped).Max(p => double.Abs((p.First / 255.0) - double.Clamp(p.Second, 0, 1)));
    }

    [Test]
    public void EveryPlaceGetsItsOwnGradient([Values] bool autoencoder, [Values(1, 2)] int parts)
    {
        using var through = autoencoder ? Tiny.LatentModel(Device, ModelUse.Sampling) : null;
        var options = Options with { GradientAccumulation = parts };
        using var noise = new NoiseLayers(Device, new WatermarkObjective(), through?.Vae, options);
        using var inputs = Inputs(noise, new WatermarkObjective());
        int count = Batch / parts;
        for (int first = 0; first < Batch; first += count)
        {
            for (int place = 0; place < count; place++)
            {
                using var tape = new Tape(Device, record: true);
                var x = tape.Arena.From(Pictures()[(first * PictureElements)..((first + count) * PictureElements)], new Shape(count, Size, Size, 3));
                x.RequiresGrad = true;
                var y = noise.Apply(tape, x, new MicroBatch(first, first, count), inputs);
                float[] seed = new float[y.Count];
                seed.AsSpan(place * PictureElements, PictureElements).Fill(1);
                tape.Backward(y, tape.Arena.From(seed, y.Shape));
                float[] gradient = x.Grad!.ToArray<float>();
                for (int other = 0; other < count; other++)
                {
                    float[] part = Of(gradient, other);
                    if (other != place) Assert.That(part, Is.All.Zero, $"{noise.Kind(first + place)} at {first + place}, gradient of {other}");
                    else if (noise.Kind(first + place) == NoiseKind.Autoencoder) Assert.That(part, Has.Some.Not.Zero);
                    else Assert.That(part.Sum(), Is.EqualTo(PictureElements).Within(0.5), "these kinds keep the sum of a plain picture");
                }
            }
        }
    }

    private static float[] Of(float[] pictures, int place) => pictures[(place * PictureElements)..((place + 1) * PictureElements)];

    /// <summary>Within (0.1, 0.9), so that nothing is clipped, and no value halfway between two bytes.</summary>
    private static float[] Pictures() =>
        [.. Enumerable.Range(0, Batch).SelectMany(i => SmallWatermark.Data.Picture(i % 7)).Select((p, i) => (26 + (p * 4 / 5) + 0.1f + (0.05f * (i % 5))) / 255)];

    private static float[] Mapped(float[] picture, float[] rows, float[] columns)
    {
        var result = new float[picture.Length];
        for (int i = 0; i < result.Length; i++)
        {
            int channel = i % 3, column = i / 3 % Size, row = i / 3 / Size;
            double sum = 0;
            for (int r = 0; r < Size; r++)
            {
                for (int c = 0; c < Size; c++)
                    sum += (double)rows[(row * Size) + r] * columns[(column * Size) + c] * picture[(((r * Size) + c) * 3) + channel];
            }
            result[i] = (float)sum;
        }
        return result;
    }

    private static IEnumerable<float[]> Moves(float[] picture)
    {
        for (int down = -1; down <= 1; down++)
        {
            for (int right = -1; right <= 1; right++)
            {
                foreach (bool mirrored in (bool[])[false, true])
                {
                    yield return
                    [
                        .. Enumerable.Range(0, picture.Length).Select(i =>
                        {
                            int row = int.Clamp((i / 3 / Size) + down, 0, Size - 1), column = int.Clamp((i / 3 % Size) + right, 0, Size - 1);
                            return picture[(((row * Size) + (mirrored ? Size - 1 - column : column)) * 3) + (i % 3)];
                        }),
                    ];
                }
            }
        }
    }

    private WatermarkInputs Inputs(NoiseLayers noise, WatermarkObjective objective)
    {
        var inputs = new WatermarkInputs(Device, SmallWatermark.Data, new NoiseDraws(Options.Seed, Batch, Size, objective), Batch);
        inputs.Upload(Step, [.. Enumerable.Range(0, Batch).Select(i => i % 7)], noise.Kind);
        return inputs;
    }

    private float[] Noisy(WatermarkObjective objective, DiffusionModel? through, float[] pictures)
    {
        using var noise = new NoiseLayers(Device, objective, through?.Vae, Options);
        using var inputs = Inputs(noise, objective);
        using var tape = new Tape(Device, record: false);
        var x = tape.Arena.From(pictures, new Shape(Batch, Size, Size, 3));
        return noise.Apply(tape, x, new MicroBatch(0, 0, Batch), inputs).ToArray<float>();
    }
}
