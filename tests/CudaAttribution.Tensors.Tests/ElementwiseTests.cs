using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Tensors.Tests;

/// <summary>What the op cases cannot say: inputs used twice, views, special values and misuse.</summary>
public sealed class ElementwiseTests(string device) : ArenaFixture(device)
{
    [Test]
    public void An_input_used_twice_gets_both_gradients()
    {
        var x = Variable([1f, 2], [1, 2]);
        using var tape = new Tape(Device, record: true);
        var y = tape.Concat(tape.Add(x, x), tape.Add(x, tape.AddRows(x, x.View(2))));
        tape.Backward(y, Arena.From([1f, 10, 100, 1000], [1, 4]));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(y.ToArray<float>(), Is.EqualTo(new[] { 2f, 4, 3, 6 }));
            Assert.That(x.Grad!.ToArray<float>(), Is.EqualTo(new[] { 302f, 3020 }));
        }
    }

    [Test]
    public void Concatenating_a_tensor_with_itself_adds_both_halves()
    {
        var x = Variable([1f, 2], [2, 1]);
        using var tape = new Tape(Device, record: true);
        tape.Backward(tape.Concat(x, x), Arena.From([1f, 10, 100, 1000], [2, 2]));
        Assert.That(x.Grad!.ToArray<float>(), Is.EqualTo(new[] { 11f, 1100 }));
    }

    [Test]
    public void A_row_is_added_to_every_row_in_place()
    {
        var y = Arena.From([1f, 2, 3, 4, 5, 6], [1, 3, 2]);
        InPlace.AddRowInto(Device, y, Arena.From([10f, 100], [2]));
        Assert.That(y.ToArray<float>(), Is.EqualTo(new[] { 11f, 102, 13, 104, 15, 106 }));
    }

    [Test]
    public void Only_inputs_that_require_a_gradient_get_one()
    {
        var (a, b) = (Arena.From([1f, 2], [1, 2]), Variable([3f, 4], [1, 2]));
        using var tape = new Tape(Device, record: true);
        var y = tape.AddPerSample(tape.Concat(tape.Add(a, b), a), Arena.From([1f, 1, 1, 1], [1, 4]));
        tape.Backward(y, Arena.From([1f, 10, 100, 1000], [1, 4]));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(a.Grad, Is.Null);
            Assert.That(b.Grad!.ToArray<float>(), Is.EqualTo(new[] { 1f, 10 }));
        }
    }

    [Test]
    public void Activations_have_their_limits()
    {
        float[] x = [float.PositiveInfinity, 1000, 100, -100, -1000, 0];
        using var tape = new Tape(Device, record: false);
        var input = Arena.From(x, [6]);
        using (Assert.EnterMultipleScope())
        {
            foreach (var op in new Func<Tensor, Tensor>[] { tape.Silu, tape.Gelu, tape.QuickGelu })
            {
                Assert.That(op(input).ToArray<float>(), Is.EqualTo(new[] { float.PositiveInfinity, 1000, 100, 0, 0, 0 }).Within(1e-30f));
                Assert.That(op(Arena.From([float.NaN], [1])).ToArray<float>()[0], Is.NaN);
            }
        }
    }

    [TestCase(1)]
    [TestCase(4096)]
    [TestCase(10_001)]
    public void Counts_what_is_not_finite(int n)
    {
        float[] x = [.. Enumerable.Range(0, n).Select(i => (float)i)];
        Assert.That(Elementwise.CountNonFinite(Arena.From(x, [n])), Is.Zero);
        (x[0], x[n / 2], x[^1]) = (float.NaN, float.PositiveInfinity, float.NegativeInfinity);
        Assert.That(Elementwise.CountNonFinite(Arena.From(x, [n])), Is.EqualTo(n == 1 ? 1 : 3));
    }

    [Test]
    public void Tensors_without_elements_pass_through()
    {
        var x = Variable([], [2, 0, 0, 4]);
        using var tape = new Tape(Device, record: true);
        var y = tape.Geglu(tape.Concat(tape.UpsampleNearest2x(tape.Silu(x)), Arena.Zeros([2, 0, 0, 2])));
        Assert.That(y.Shape, Is.EqualTo(new Shape(2, 0, 0, 3)));
        Assert.That(() => tape.Backward(y, Arena.Zeros(y.Shape)), Throws.Nothing);
        var t = Variable([5f, 5], [2, 1]);
        tape.Backward(tape.AddPerSample(Arena.Zeros([2, 0, 1]), t), Arena.Zeros([2, 0, 1]));
        Assert.That(t.Grad!.ToArray<float>(), Is.EqualTo(new[] { 0f, 0 }));
    }

    [Test]
    public void An_id_outside_the_table_gives_NaN_and_touches_nothing()
    {
        var table = Variable([1f, 2, 3, 4], [2, 2]);
        using var tape = new Tape(Device, record: true);
        var y = tape.Embedding(Arena.From([1, 2, -1, 1, int.MinValue, int.MaxValue], [2, 3]), table);
        tape.Backward(y, Arena.From([.. Enumerable.Range(1, 12).Select(i => (float)i)], y.Shape));
        float nan = float.NaN;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(y.ToArray<float>(), Is.EqualTo(new[] { 3, 4, nan, nan, nan, nan, 3, 4, nan, nan, nan, nan }));
            Assert.That(table.Grad!.ToArray<float>(), Is.EqualTo(new[] { 0f, 0, 8, 10 }));
            Assert.That(() => EmbeddingTable.Ids(Arena, [0, 2], [2], 2), Throws.ArgumentException.With.Message.Contains("id 2 at position 1"));
            Assert.That(() => EmbeddingTable.Ids(Arena, [-1], [1], 2), Throws.ArgumentException.With.Message.Contains("id -1"));
        }
    }

    [Test]
    public void Refuses_what_does_not_fit()
    {
        using var tape = new Tape(Device, record: false);
        var (x, ids) = (Arena.Zeros([2, 3]), Arena.From([0, 1], [2]));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => tape.Silu(ids), Throws.ArgumentException.With.Message.Contains("silu: x is I32 [2]").And.Message.Contains("F32"));
            Assert.That(
                () => tape.Add(x, Arena.Zeros([3, 2])),
                Throws.ArgumentException.With.Message.Contains("add: b is F32 [3,2], its shape must be [2,3]"));
            Assert.That(() => tape.Geglu(x), Throws.ArgumentException.With.Message.Contains("even last extent"));
            Assert.That(() => tape.AddPerSample(x, Arena.Zeros([3])), Throws.ArgumentException.With.Message.Contains("[2,3]"));
            Assert.That(() => tape.AddRows(x, Arena.Zeros([2])), Throws.ArgumentException.With.Message.Contains("[3]"));
            Assert.That(() => tape.Concat(x, Arena.Zeros([3, 3])), Throws.ArgumentException.With.Message.Contains("outer extents"));
            Assert.That(() => tape.UpsampleNearest2x(x), Throws.ArgumentException.With.Message.Contains("[N,H,W,C]"));
            Assert.That(() => tape.TimestepEmbedding(ids, 7), Throws.ArgumentException.With.Message.Contains("even"));
            Assert.That(() => tape.TimestepEmbedding(x, 8), Throws.ArgumentException.With.Message.Contains("I32"));
            Assert.That(() => tape.Embedding(x, x), Throws.ArgumentException.With.Message.Contains("I32"));
            Assert.That(() => tape.Embedding(ids, ids), Throws.ArgumentException.With.Message.Contains("F32"));
            Assert.That(() => InPlace.AddInto(Device, x, Arena.Zeros([5])), Throws.ArgumentException.With.Message.Contains("6 elements"));
            Assert.That(() => InPlace.AddRowInto(Device, x, Arena.Zeros([5])), Throws.ArgumentException.With.Message.Contains("last axis"));
            using var other = ComputeDevice.Open("cpu", "kernels");
            using var foreign = new Arena(other);
            Assert.That(() => tape.Silu(foreign.Zeros([2])), Throws.ArgumentException.With.Message.Contains("device"));
        }
    }

    private Tensor Variable(float[] values, Shape shape)
    {
        var x = Arena.From(values, shape);
        x.RequiresGrad = true;
        return x;
    }
}
