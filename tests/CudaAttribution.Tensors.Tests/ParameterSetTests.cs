using CudaAttribution.Tensors.Ops;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Tensors.Tests;

public sealed class ParameterSetTests
{
    private static ComputeDevice Device => TestDevices.Get("cpu");

    [Test]
    public void Parameters_are_aligned_slices_of_one_buffer()
    {
        using var set = new ParameterSet(Device);
        var (a, b, c) = (set.Add("a", [3]), set.Add("b", [4, 5]), set.Add("c", [16]));
        set.Freeze();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(set.Count, Is.EqualTo(3 + 20 + 16));
            Assert.That(set.Names, Is.EqualTo(new[] { "a", "b", "c" }));
            Assert.That(new[] { a, b, c }.Select(t => t.Pointer - set.Values.Pointer), Is.EqualTo(new nint[] { 0, 64, 192 }));
            Assert.That(new[] { a, b, c }.Select(t => t.Grad!.Pointer - set.Gradients.Pointer), Is.EqualTo(new nint[] { 0, 64, 192 }));
            Assert.That(set.Values.Shape, Is.EqualTo(new Shape(64)));
            Assert.That(set.Values.ToArray<float>(), Has.All.Zero);
            Assert.That(set.Gradients.ToArray<float>(), Has.All.Zero);
            Assert.That(new[] { a, b, c }.Select(t => t.RequiresGrad), Has.All.True);
            Assert.That(set["b"], Is.SameAs(b));
        }
    }

    [Test]
    public void Ops_add_their_gradients_to_the_buffer()
    {
        using var set = new ParameterSet(Device);
        var (unused, p) = (set.Add("unused", [1]), set.Add("p", [2]));
        set.Freeze();
        for (int round = 1; round <= 2; round++)
        {
            using var tape = new Tape(Device, record: true);
            var y = tape.AddRows(tape.AddRows(tape.Arena.Zeros([3, 2]), p), p);
            tape.Backward(y, tape.Arena.From([1f, 2, 3, 4, 5, 6], [3, 2]));
            using (Assert.EnterMultipleScope())
            {
                Assert.That(p.Grad!.ToArray<float>(), Is.EqualTo(new[] { 18f * round, 24f * round }));
                Assert.That(unused.Grad!.ToArray<float>(), Is.EqualTo(new[] { 0f }));
            }
        }
        set.ZeroGrad();
        Assert.That(set.Gradients.ToArray<float>(), Has.All.Zero);
    }

    [Test]
    public void A_set_without_gradients_trains_nothing()
    {
        using var set = new ParameterSet(Device);
        var p = set.Add("p", [2]);
        set.Freeze(trainable: false);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(p.RequiresGrad, Is.False);
            Assert.That(set.Trainable, Is.False);
            Assert.That(() => set.Gradients, Throws.InvalidOperationException.With.Message.Contains("trainable"));
            Assert.That(() => new AdamW(set), Throws.InvalidOperationException);
        }
    }

    [Test]
    public void Values_go_out_and_come_back()
    {
        using var set = Frozen();
        using var other = Frozen();
        set["a"].CopyFrom<float>([1, 2, 3]);
        set["b"].CopyFrom<float>([4, 5, 6, 7]);
        using var saved = new TensorState("saved");
        saved.Add("else", HostTensor.From([1f], [1]));
        set.SaveTo(saved, "model.");
        other.LoadFrom(saved, "model.");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(saved.Weights["model.b"].Shape, Is.EqualTo(new Shape(2, 2)));
            Assert.That(other.Values.ToArray<float>(), Is.EqualTo(set.Values.ToArray<float>()));
            Assert.That(() => set.SaveTo(saved, "model."), Throws.ArgumentException);
        }
    }

    [Test]
    public void What_is_saved_is_read_in_any_pieces_from_where_it_is()
    {
        using var set = Frozen();
        using var saved = new TensorState("saved");
        set.SaveTo(saved);
        set["b"].CopyFrom<float>([4, 5, 6, 7]);
        saved.Add("host", HostTensor.From([1f, 2, 3], [3]));
        var two = new float[2];
        saved.ReadF32("b", 1, two);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(two, Is.EqualTo(new[] { 5f, 6 }), "the values of now");
            saved.ReadF32("host", 1, two);
            Assert.That(two, Is.EqualTo(new[] { 2f, 3 }));
            Assert.That(() => saved.ReadF32("b", 3, two), Throws.ArgumentException);
            Assert.That(() => saved.ReadF32("none", 0, two), Throws.InstanceOf<WeightFileException>());
            Assert.That(() => saved.Add("host", set["a"]), Throws.ArgumentException);
        }
    }

    [Test]
    public void A_flat_tensor_of_the_same_layout_goes_out_and_comes_back()
    {
        using var set = Frozen();
        using var arena = new Arena(Device);
        var flat = arena.Zeros(set.Values.Shape);
        using var source = new TensorState("source");
        source.Add("a", HostTensor.From([1f, 2, 3], [3]));
        source.Add("b", HostTensor.From([4f, 5, 6, 7], [2, 2]));
        set.LoadFrom(source, "", flat);
        using var saved = new TensorState("saved");
        set.SaveTo(saved, "", flat);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(saved.ReadF32("b"), Is.EqualTo(new[] { 4f, 5, 6, 7 }));
            Assert.That(set.Values.ToArray<float>(), Has.All.Zero);
            Assert.That(() => set.SaveTo(saved, "x.", arena.Zeros([3])), Throws.ArgumentException.With.Message.Contains("laid out"));
        }
    }

    [Test]
    public void Loading_is_all_or_nothing()
    {
        using var set = Frozen();
        using var source = new HostWeights("source", new Dictionary<string, HostTensor>
        {
            ["m.a"] = HostTensor.From([1f, 2, 3], [3]), ["m.b"] = HostTensor.From([4f, 5, 6, 7], [4]),
            ["m.c"] = HostTensor.From([1f], [1]), ["n.d"] = HostTensor.From([1f], [1]),
        });
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                () => set.LoadFrom(source, "m."),
                Throws.ArgumentException.With.Message.Contains("unknown: m.c;").And.Message.Contains("m.b (is [4], must be [2,2])"));
            Assert.That(() => set.LoadFrom(source, "x."), Throws.ArgumentException.With.Message.Contains("missing: x.a, x.b;"));
            Assert.That(set.Values.ToArray<float>(), Has.All.Zero);
        }
    }

    [Test]
    public void Refuses_misuse()
    {
        using var set = new ParameterSet(Device);
        var p = set.Add("p", [2]);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => set.Add("p", [3]), Throws.ArgumentException.With.Message.Contains("'p' already"));
            Assert.That(() => set.Add("", [3]), Throws.ArgumentException);
            Assert.That(() => p.Pointer, Throws.InvalidOperationException.With.Message.Contains("freeze"));
            Assert.That(() => set.Values, Throws.InvalidOperationException.With.Message.Contains("Freeze"));
            set.Freeze();
            Assert.That(() => set.Freeze(), Throws.InvalidOperationException.With.Message.Contains("already"));
            Assert.That(() => set.Add("q", [3]), Throws.InvalidOperationException.With.Message.Contains("too late"));
            Assert.That(() => set["r"], Throws.InstanceOf<KeyNotFoundException>().With.Message.Contains("'r'"));
        }
    }

    [Test]
    public void Gives_its_memory_back()
    {
        long before = Device.Pool.InUse;
        var set = Frozen();
        using (new AdamW(set)) Assert.That(Device.Pool.InUse, Is.GreaterThan(before));
        set.Dispose();
        set.Dispose();
        Assert.That(Device.Pool.InUse, Is.EqualTo(before));
    }

    private static ParameterSet Frozen()
    {
        var set = new ParameterSet(Device);
        set.Add("a", [3]);
        set.Add("b", [2, 2]);
        set.Freeze();
        return set;
    }
}
