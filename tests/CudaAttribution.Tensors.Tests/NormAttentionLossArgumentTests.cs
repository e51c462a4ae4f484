using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Tensors.Tests;

/// <summary>Arguments that norms, attention, softmax and losses refuse, and what the message must name.</summary>
public sealed class NormAttentionLossArgumentTests
{
    private Tape _tape = null!;

    [SetUp]
    public void OpenTape() => _tape = new Tape(TestDevices.Get("cpu"), record: true);

    [TearDown]
    public void CloseTape() => _tape.Dispose();

    [TestCase(5, 1e-5f, 12, 12, "groups is 5")]
    [TestCase(0, 1e-5f, 12, 12, "groups is 0")]
    [TestCase(3, 0f, 12, 12, "eps is 0")]
    [TestCase(3, -1f, 12, 12, "eps is -1")]
    [TestCase(3, float.NaN, 12, 12, "eps is NaN")]
    [TestCase(3, 1e-5f, 11, 12, "w is F32 [11]")]
    [TestCase(3, 1e-5f, 12, 13, "b is F32 [13]")]
    public void Group_norm_refuses(int groups, float eps, int w, int b, string named)
    {
        var x = _tape.New([2, 5, 12]);
        Refuses(() => _tape.GroupNorm(x, _tape.New([w]), _tape.New([b]), groups, eps), named);
    }

    [TestCase(0f, 7, 7, "eps is 0")]
    [TestCase(1e-5f, 8, 7, "w is F32 [8]")]
    [TestCase(1e-5f, 7, 8, "b is F32 [8]")]
    public void Layer_norm_refuses(float eps, int w, int b, string named) =>
        Refuses(() => _tape.LayerNorm(_tape.New([3, 7]), _tape.New([w]), _tape.New([b]), eps), named);

    [TestCase(new[] { 2, 5, 24 }, new[] { 2, 7, 24 }, new[] { 2, 7, 24 }, 5, false, "heads is 5")]
    [TestCase(new[] { 2, 5, 24 }, new[] { 2, 7, 24 }, new[] { 2, 7, 24 }, 0, false, "heads is 0")]
    [TestCase(new[] { 2, 5, 24 }, new[] { 2, 7, 24 }, new[] { 2, 7, 24 }, 4, false, "6 wide")]
    [TestCase(new[] { 2, 5, 516 }, new[] { 2, 7, 516 }, new[] { 2, 7, 516 }, 1, false, "516 wide")]
    [TestCase(new[] { 2, 5, 24 }, new[] { 2, 7, 24 }, new[] { 2, 7, 24 }, 3, true, "causal")]
    [TestCase(new[] { 2, 5, 24 }, new[] { 3, 7, 24 }, new[] { 3, 7, 24 }, 3, false, "k is F32 [3,7,24]")]
    [TestCase(new[] { 2, 5, 24 }, new[] { 2, 7, 12 }, new[] { 2, 7, 12 }, 3, false, "k is F32 [2,7,12]")]
    [TestCase(new[] { 2, 5, 24 }, new[] { 2, 7, 24 }, new[] { 2, 6, 24 }, 3, false, "v is F32 [2,6,24]")]
    [TestCase(new[] { 2, 5, 24 }, new[] { 2, 0, 24 }, new[] { 2, 0, 24 }, 3, false, "not empty")]
    [TestCase(new[] { 10, 24 }, new[] { 2, 7, 24 }, new[] { 2, 7, 24 }, 3, false, "q is F32 [10,24]")]
    public void Attention_refuses(int[] q, int[] k, int[] v, int heads, bool causal, string named) =>
        Refuses(() => _tape.Attention(_tape.New(q), _tape.New(k), _tape.New(v), heads, causal), named);

    [Test]
    public void Element_types_and_empty_tensors_are_refused()
    {
        Refuses(() => _tape.Softmax(_tape.New([2, 0])), "not empty");
        Refuses(() => _tape.Softmax(_tape.New([2, 3], DType.I32)), "element type");
        Refuses(() => _tape.Mse(_tape.New([0]), _tape.New([0])), "not empty");
        Refuses(() => _tape.LayerNorm(_tape.New([2, 3], DType.I32), _tape.New([3]), _tape.New([3]), 1e-5f), "element type");
    }

    [Test]
    public void Mse_refuses_another_shape_and_a_target_that_wants_a_gradient()
    {
        Refuses(() => _tape.Mse(_tape.New([2, 3]), _tape.New([3, 2])), "target is F32 [3,2]");
        var target = _tape.New([2, 3]);
        target.RequiresGrad = true;
        Refuses(() => _tape.Mse(_tape.New([2, 3]), target), "RequiresGrad");
        Refuses(() => _tape.MsePerSample(_tape.New([2, 3]), target), "mse_per_sample");
        Refuses(() => _tape.MsePerSample(_tape.New([2, 3]), _tape.New([2, 4])), "target is F32 [2,4]");
        Refuses(() => _tape.MsePerSample(_tape.New([2, 0]), _tape.New([2, 0])), "not empty");
    }

    [Test]
    public void Cross_entropy_says_what_does_not_fit()
    {
        var labels = _tape.New([2], DType.I32);
        Refuses(() => _tape.CrossEntropy(_tape.New([2, 3, 1]), labels), "logits is F32 [2,3,1]");
        Refuses(() => _tape.CrossEntropy(_tape.New([2, 0]), labels), "not empty");
        Refuses(() => _tape.CrossEntropy(_tape.New([2, 3]), _tape.New([3], DType.I32)), "labels is I32 [3]");
        Refuses(() => _tape.CrossEntropy(_tape.New([2, 3]), _tape.New([2])), "its element type must be I32");
    }

    [TestCase(-1)]
    [TestCase(3)]
    public void A_label_outside_the_classes_makes_the_loss_NaN(int label)
    {
        var logits = _tape.Arena.Zeros([2, 3]);
        Assert.That(_tape.CrossEntropy(logits, _tape.Arena.From([2, label], [2])).ToArray<float>()[0], Is.NaN);
        Assert.That(_tape.CrossEntropy(logits, _tape.Arena.From([2, 1], [2])).ToArray<float>()[0], Is.EqualTo(MathF.Log(3)).Within(1e-6));
    }

    /// <summary>Logits that overflow the exponential, and a right answer that leaves a loss of exactly nothing.</summary>
    [Test]
    public void Cross_entropy_of_large_logits_is_finite()
    {
        var logits = _tape.Arena.From([1000f, 0, 0, 1000], [2, 2]);
        Assert.That(_tape.CrossEntropy(logits, _tape.Arena.From([0, 0], [2])).ToArray<float>()[0], Is.EqualTo(500f));
    }

    [Test]
    public void Relu_passes_NaN_and_has_no_slope_at_zero()
    {
        using var tape = new Tape(_tape.Device, record: true);
        var x = tape.Arena.From([-2f, 0, 3, float.NaN], [4]);
        x.RequiresGrad = true;
        var y = tape.Relu(x);
        Assert.That(y.ToArray<float>(), Is.EqualTo(new[] { 0f, 0, 3, float.NaN }));
        tape.Backward(y, tape.Arena.From([1f, 1, 1, 1], [4]));
        Assert.That(x.Grad!.ToArray<float>(), Is.EqualTo(new[] { 0f, 0, 1, 1 }));
    }

    private static void Refuses(Action run, string named) => Assert.That(Assert.Throws<ArgumentException>(run)!.Message, Does.Contain(named));
}
