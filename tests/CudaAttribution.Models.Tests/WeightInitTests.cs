using CudaAttribution.Models.Layers;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tensors.Weights;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests;

/// <summary>How weights start, made on the device, against the formula on the host.</summary>
[TestFixture("cpu")]
[TestFixture("simt")]
public class WeightInitTests(string id)
{
    private const ulong Seed = 0x9876543210FEDCBA;

    private static readonly int[] Sizes = [1, 2, 3, 4, 5, 1023, 4096, 4099, 10_001];

    [Test]
    public void EveryWeightHasTheBitsOfTheHostsFormula()
    {
        using var device = ComputeDevice.Open(id);
        using var set = new ParameterSet(device);
        var init = new WeightInit();
        var scope = new ParameterScope(set, init)["part"];
        foreach (int n in Sizes)
        {
            scope.Uniform($"uniform{n}", new Shape(n), 1 / Math.Sqrt(n + 2));
            scope.Constant($"one{n}", new Shape(n), 1);
            scope.Constant($"zero{n}", new Shape(n), 0);
        }
        set.Freeze(trainable: false);
        init.Fill(set, Seed);
        foreach (int n in Sizes)
        {
            float bound = (float)(1 / Math.Sqrt(n + 2));
            ulong stream = Philox.Stream($"init.part.uniform{n}");
            float[] expected = [.. Enumerable.Range(0, n).Select(i => Value(bound, Philox.Word((ulong)i, stream, Seed)))];
            Assert.That(set[$"part.uniform{n}"].ToArray<float>(), Is.EqualTo(expected), $"{n}");
            Assert.That(set[$"part.one{n}"].ToArray<float>(), Is.All.EqualTo(1f));
            Assert.That(set[$"part.zero{n}"].ToArray<float>(), Is.All.EqualTo(0f));
        }
    }

    /// <summary>What models started with before the device made their weights.</summary>
    [Test]
    public void ANewModelIsThatOfEveryVersionBefore()
    {
        using var device = ComputeDevice.Open(id);
        using var model = Tiny.Model(device);
        Assert.That(model.WeightsHash(), Is.EqualTo("d8680050621e359846aabe6f114229899abbfc1d32d874708e6cebd9fdf3130f"));
    }

    private static float Value(float bound, uint word) => bound * ((word >> 8) * (2f / (1 << 24)) - 1f);
}
