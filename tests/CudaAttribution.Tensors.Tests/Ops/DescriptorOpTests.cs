using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Tensors.Tests.Ops;

/// <summary>The generalised mean, unit length and the contrastive loss at their edges; values and gradients are the catalogue's.</summary>
[TestFixture("cpu")]
[TestFixture("simt")]
public sealed class DescriptorOpTests(string device)
{
    private ComputeDevice Device => TestDevices.Get(device);

    // ((1 + 8 + 27 + 0) / 4)^(1/3) by hand: below eps counts as eps, whose cube is 1e-18.
    [Test]
    public void The_generalised_mean_is_the_cube_root_of_the_mean_cube()
    {
        using var tape = new Tape(Device, record: true);
        var x = tape.Arena.From([1f, 2, 3, -7], [1, 2, 2, 1]);
        x.RequiresGrad = true;
        var y = tape.GemPool(x);
        float value = y.ToArray<float>()[0];
        tape.Backward(y, tape.Arena.From([1f], y.Shape));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(value, Is.EqualTo(Math.Cbrt(9)).Within(1e-6));
            Assert.That(x.Grad!.ToArray<float>()[3], Is.Zero);
            Assert.That(x.Grad!.ToArray<float>()[2], Is.EqualTo(9 / (4 * Math.Pow(9, 2.0 / 3))).Within(1e-6));
        }
    }

    [Test]
    public void A_NaN_stays_one()
    {
        using var tape = new Tape(Device, record: false);
        var x = tape.Arena.From([1f, float.NaN, 3, 4], [1, 2, 2]);
        float[] pooled = tape.GemPool(x).ToArray<float>(), unit = tape.UnitNorm(x).ToArray<float>();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(pooled[0], Is.EqualTo(Math.Cbrt(14)).Within(1e-6));
            Assert.That(pooled[1], Is.NaN);
            Assert.That(unit[..2], Is.All.NaN);
            Assert.That(unit[2..], Is.EqualTo(new[] { 0.6f, 0.8f }));
        }
    }

    [Test]
    public void A_row_of_zeros_stays_zero()
    {
        using var tape = new Tape(Device, record: true);
        var x = tape.Arena.From([0f, 0], [1, 2]);
        x.RequiresGrad = true;
        var y = tape.UnitNorm(x, 0.5f);
        float[] value = y.ToArray<float>();
        tape.Backward(y, tape.Arena.From([1f, 2], y.Shape));
        Assert.That((value, x.Grad!.ToArray<float>()), Is.EqualTo((new[] { 0f, 0 }, new[] { 2f, 4 })));
    }

    [Test]
    public void Views_of_one_picture_alone_have_no_loss_that_can_pass_for_one()
    {
        using var tape = new Tape(Device, record: false);
        var loss = tape.Contrastive(tape.Arena.From([1f, 0.5f, 0.5f, 1], [2, 2]), tape.Arena.From([3, 3], [2]), 0.05f, 1f);
        Assert.That(float.IsFinite(loss.ToArray<float>()[0]), Is.False);
    }

    [Test]
    public void Arguments_out_of_range_are_refused()
    {
        Refuses(tape => tape.GemPool(tape.New([2, 0, 3])), "not empty");
        Refuses(tape => tape.GemPool(tape.New([2, 3]), 0f), "eps is 0");
        Refuses(tape => tape.GemPool(tape.New([2, 3]), float.NaN), "eps is NaN");
        Refuses(tape => tape.UnitNorm(tape.New([0, 3])), "not empty");
        Refuses(tape => tape.UnitNorm(tape.New([2, 3]), -1f), "eps is -1");
        Refuses(tape => Loss(tape, new Shape(2, 3), 2, 0.1f, 1), "[R,R]");
        Refuses(tape => Loss(tape, new Shape(2, 2), 3, 0.1f, 1), "groups");
        Refuses(tape => Loss(tape, new Shape(2, 2), 2, 0.02f, 1), "temperature is 0.02");
        Refuses(tape => Loss(tape, new Shape(2, 2), 2, float.NaN, 1), "temperature is NaN");
        Refuses(tape => Loss(tape, new Shape(2, 2), 2, 0.1f, -1), "spread is -1");

        static Tensor Loss(Tape tape, Shape similarities, int groups, float temperature, float spread) =>
            tape.Contrastive(tape.New(similarities), tape.New([groups], DType.I32), temperature, spread);
    }

    private void Refuses(Func<Tape, Tensor> run, string named)
    {
        using var tape = new Tape(Device, record: true);
        Assert.That(() => run(tape), Throws.ArgumentException.With.Message.Contains(named));
    }
}
