using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Layers;
using CudaAttribution.Models.Vae;
using CudaAttribution.Runs;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tensors.Weights;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests;

/// <summary>The autoencoder in tiles: where they lie and how they are blended in closed form, then on networks.</summary>
public class VaeTilingTests : DeviceFixture
{
    [Test, Combinatorial]
    public void TilesCoverAxesAndWeightsAddUpToOne(
        [Values(4, 5, 8, 16, 31)] int tile, [Values(1, 4, 5, 8, 9, 17, 33, 64, 96)] int length, [Values(1, 2, 8)] int scale)
    {
        var axis = new TileAxis(length, tile);
        double[] sums = new double[scale * length];
        int[] tiles = new int[scale * length];
        for (int i = 0; i < axis.Count; i++)
        {
            float[] weights = axis.Weights(i, scale);
            Assert.That(weights, Has.Length.EqualTo(scale * Math.Min(tile, length)).And.All.InRange(0, 1));
            for (int k = 0; k < weights.Length; k++)
            {
                sums[scale * axis.Start(i) + k] += weights[k];
                if (weights[k] > 0) tiles[scale * axis.Start(i) + k]++;
            }
            if (i > 0) Assert.That(axis.Start(i - 1) + tile - axis.Start(i), Is.GreaterThanOrEqualTo(tile / 4.0), "a quarter is shared");
        }
        Assert.That(sums, Is.All.EqualTo(1).Within(1e-6));
        Assert.That(tiles, Is.All.InRange(1, 2));
        Assert.That((axis.Start(0), axis.Start(axis.Count - 1) + axis.Tile), Is.EqualTo((0, length)));
        if (length <= tile) Assert.That(axis.Count, Is.EqualTo(1));
    }

    /// <summary>Latents 0 to 7 and 6 to 13: of the 2 shared ones, 8 elements at a scale of 4, weights fall by 1/8, 15/16 first.</summary>
    [Test]
    public void WeightsAreAStraightLine()
    {
        var axis = new TileAxis(14, 8);
        Assert.That((axis.Count, axis.Start(1)), Is.EqualTo((2, 6)));
        Assert.That(axis.Weights(0, 4)[..24], Is.All.EqualTo(1));
        Assert.That(axis.Weights(0, 4)[24..], Is.EqualTo(Enumerable.Range(0, 8).Select(k => (15 - 2 * k) / 16f)));
        Assert.That(axis.Weights(1, 4)[..8], Is.EqualTo(Enumerable.Range(0, 8).Select(k => (1 + 2 * k) / 16f)));
        // 0 to 7 and 5 to 12 share 3: the line lies in their middle, half a latent from either end.
        float[] middle = [1, 1, .. axis.Weights(0, 4)[24..], 0, 0];
        Assert.That(new TileAxis(13, 8).Weights(0, 4)[20..], Is.EqualTo(middle));
    }

    /// <summary>What treats every latent alone gives the whole, up or down: a copy, each latent as a square, the mean of a square.</summary>
    [TestCase(1, 1)]
    [TestCase(1, 8)]
    [TestCase(4, 1)]
    public void LocalFunctionsAreWhole(int inScale, int outScale)
    {
        const int Height = 21, Width = 30;
        using var tape = new Tape(Device, record: false);
        var shape = new Shape(1, Height * inScale, Width * inScale, 2);
        float[] input = [.. Enumerable.Range(0, (int)shape.Count).Select(i => MathF.Sin(0.37f * i) + 0.01f * (i % 13))];
        int calls = 0;
        var tiled = VaeTiling.Run(tape, tape.Arena.From(input, shape), inScale, outScale, 8, 2, Local);
        Assert.That(calls, Is.EqualTo(4 * 5), "tiles of 8 share 2: (21 − 8)/6 and (30 − 8)/6 more, rounded up");
        var whole = Local(tape, tape.Arena.From(input, shape));
        Assert.That(tiled.Shape, Is.EqualTo(whole.Shape));
        float[] a = tiled.ToArray<float>(), b = whole.ToArray<float>();
        for (int i = 0; i < a.Length; i++) Assert.That(a[i], Is.EqualTo(b[i]).Within(1e-6));

        Tensor Local(Tape t, Tensor x)
        {
            calls++;
            float[] from = x.ToArray<float>();
            int h = x.Shape[1] / inScale, w = x.Shape[2] / inScale, wide = w * outScale;
            float[] to = new float[h * outScale * wide * 2];
            for (int i = 0; i < to.Length; i++)
            {
                int c = i % 2, column = i / 2 % wide / outScale, row = i / 2 / wide / outScale;
                for (int k = 0; k < inScale * inScale; k++)
                {
                    int at = ((row * inScale + k / inScale) * x.Shape[2] + column * inScale + k % inScale) * 2 + c;
                    to[i] += from[at] / (inScale * inScale);
                }
            }
            return t.Arena.From(to, new Shape(1, h * outScale, wide, 2));
        }
    }

    /// <summary>Tiles 0 and 1 that answer 0 and 1: the picture is the weights.</summary>
    [Test]
    public void TilesAreBlendedByTheirWeights()
    {
        using var tape = new Tape(Device, record: false);
        int number = 0;
        var blended = VaeTiling.Run(tape, tape.Arena.Zeros(new Shape(1, 8, 14, 1)), 1, 4, 8, 1, (t, x) =>
        {
            float[] constant = new float[32 * 32];
            constant.AsSpan().Fill(number++);
            return t.Arena.From(constant, new Shape(1, 32, 32, 1));
        }).ToArray<float>();
        for (int y = 0; y < 32; y++)
        {
            for (int x = 0; x < 56; x++)
                Assert.That(blended[56 * y + x], Is.EqualTo(Math.Clamp((x + 0.5 - 24) / 8, 0, 1)).Within(1e-6), $"{x}, {y}");
        }
    }

    /// <summary>
    /// Random weights are the hard case: the zeros around a map outweigh what is in it, and a tile has more border. The error must fall with larger
    /// tiles, the memory with smaller ones.
    /// </summary>
    [Test]
    public void NetworksDifferLessInLargerTilesAndTakeLessInSmallerOnes()
    {
        var config = new AutoencoderKLConfig { BlockOutChannels = [16, 32, 32, 32], LayersPerBlock = 2, NormNumGroups = 8 };
        float[] latent = Noise(32 * 32 * 4), picture = Noise(256 * 256 * 3);
        foreach (bool decode in new[] { true, false })
        {
            var (whole, peak) = Run(null);
            if (decode) Assert.That(peak, Is.LessThan((32 + 32 + 16) * 256 * 256 * 4 * 1.01), "the three maps of the last stage's first convolution");
            double[] errors = [.. new[] { 192, 128, 64 }.Select(tile =>
            {
                var (tiled, less) = Run(tile);
                TestContext.Out.WriteLine($"{(decode ? "decode" : "encode")} {tile}: NMSE {Nmse.Of(tiled, whole):0.0e+0}, {less} of {peak} bytes");
                Assert.That(less, Is.LessThan(peak * tile * tile / (256.0 * 256) * 1.1 + 850_000), "a tile's maps, and the whole input and output");
                return Nmse.Of(tiled, whole);
            })];
            Assert.That(errors, Is.Ordered);
            Assert.That(errors[0], Is.GreaterThan(0).And.LessThan(0.05));
            Assert.That(Run(256).Values, Is.EqualTo(whole), "one tile that covers everything");

            (float[] Values, long Peak) Run(int? tile)
            {
                using var device = ComputeDevice.Open("cpu");
                using var parameters = new ParameterSet(device);
                var init = new WeightInit();
                var vae = new AutoencoderKL(config, new ParameterScope(parameters, init));
                parameters.Freeze(trainable: false);
                init.Fill(parameters, 1);
                long before = device.Pool.InUse;
                using var tape = new Tape(device, record: false);
                var x = decode ? tape.Arena.From(latent, new Shape(1, 32, 32, 4)) : tape.Arena.From(picture, new Shape(1, 256, 256, 3));
                var tiling = tile is { } side ? new VaeTiling(vae, side) : null;
                var y = decode ? tiling?.Decode(tape, x) ?? vae.Decode(tape, x) : tiling?.Encode(tape, x) ?? vae.Encode(tape, x);
                return (y.ToArray<float>(), device.Pool.Peak - before);
            }
        }

        static float[] Noise(int count) =>
            [.. Enumerable.Range(0, count).Select(i => (float)(Math.Sqrt(12) * (Philox.Word((ulong)i, 5, 1) / (double)uint.MaxValue - 0.5)))];
    }

    [Test]
    public void ASamplerInTilesKeepsItsPromises()
    {
        using var model = Tiny.LatentModel(Device, ModelUse.Sampling);
        byte[] picture = Tiny.Data(1, 16).Picture(0).ToArray();
        SampleRequest[] requests = [.. Tiny.Captions[..4].Select((c, i) => new SampleRequest(c, 3, i) { InitialPicture = picture })];
        var options = new SampleOptions { Steps = 4, Strength = 0.5, Tile = 8 };
        float[] tiled = new Sampler(model, options).Sample(requests).Values;
        Assert.That(new Sampler(model, options with { MaxBatch = 1 }).Sample(requests).Values, Is.EqualTo(tiled), "any batch");
        float[] whole = new Sampler(model, options with { Tile = null }).Sample(requests).Values;
        Assert.That(tiled, Is.Not.EqualTo(whole));
        Assert.That(new Sampler(model, options with { Tile = 16 }).Sample(requests).Values, Is.EqualTo(whole), "one tile");
        float[] Inverted(int? tile) =>
            new DdimInverter(model, new InversionOptions { Steps = 2, Tile = tile }).Run([new InversionRequest(picture, "nothing")]).Noise;
        Assert.That(Inverted(8), Is.Not.EqualTo(Inverted(null)));
    }

    [TestCase(6)]
    [TestCase(9)]
    [TestCase(0)]
    [TestCase(-8)]
    public void ATileThatDoesNotFitIsRefused(int tile)
    {
        using var model = Tiny.LatentModel(Device, ModelUse.Sampling);
        Assert.That(
            () => new Sampler(model, new SampleOptions { Tile = tile }),
            Throws.TypeOf<UserException>().With.Message.Contains("a multiple of 2, at least 8"));
        using var pixels = Tiny.Model(Device, ModelUse.Sampling);
        Assert.That(() => new Sampler(pixels, new SampleOptions { Tile = 8 }), Throws.TypeOf<UserException>().With.Message.Contains("has no autoencoder"));
    }
}
