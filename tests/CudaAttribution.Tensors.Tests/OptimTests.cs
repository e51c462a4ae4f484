using CudaAttribution.Tensors.Ops;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Tensors.Tests;

[TestFixture("cpu")]
[TestFixture("simt")]
public sealed class OptimTests(string device)
{
    private static readonly float[][] Gradients =
    [
        [0.1f, -0.2f, 0.3f, 0, 1e-3f], [0.05f, 0.4f, -0.3f, 1e-9f, -2], [-1, 0.125f, 0, 0, 4], [3, -2, 0.75f, 0.5f, -0.25f],
    ];

    private ComputeDevice Device => TestDevices.Get(device);

    // torch.optim.AdamW (lr 0.01, weight decay 0.01) after torch.nn.utils.clip_grad_norm_(1.0), PyTorch 1.13 in float64.
    private static readonly double[][] TorchValues =
    [
        [0.4899500009999999, -1.2398750005, 1.9898000003333334, 0.0, -3.009699900001],
        [0.4816349976911188, -1.240124265740297, 1.9868207256191475, -0.0002467619887039427, -3.0019644712132147],
        [0.4849735998009421, -1.2409783283841715, 1.9844728676949035, -0.00040339757563024264, -3.0021191623234156],
        [0.4802630058553296, -1.2360714938832098, 1.9797607741831782, -0.006214640009584734, -3.0019068615512428],
    ];

    // The same where b has half the learning rate and no decay.
    private static readonly double[][] TorchGroupValues =
    [
        [0.4899500009999999, -1.2398750005, 1.9950000001666666, 0.0, -3.0049999500005025],
        [0.4816349976929451, -1.2401242657332436, 1.993609852806926, -0.00012338099080998598, -3.001282720601779],
        [0.4849735997586936, -1.2409783283620337, 1.9925352648790253, -0.00020171112011011004, -3.001510164383558],
        [0.4802630058048338, -1.2360714938749262, 1.9902784418005959, -0.003107352506966137, -3.0015541199580382],
    ];

    private static readonly double[] TorchNorms = [0.3741670749812175, 2.062159062730128, 4.125, 3.724916106437835];

    [Test]
    public void AdamW_takes_the_steps_of_PyTorch()
    {
        using var parameters = Parameters();
        using var optimizer = new AdamW(parameters);
        for (int step = 0; step < 4; step++)
        {
            SetGradient(parameters, Gradients[step]);
            optimizer.Update(0.01, 1f);
            using (Assert.EnterMultipleScope())
            {
                Assert.That(Values(parameters), Is.EqualTo(TorchValues[step]).Within(1e-6), $"step {step}");
                Assert.That(optimizer.GradientNorm(), Is.EqualTo(TorchNorms[step]).Within(1e-6), $"norm of step {step}");
                Assert.That(optimizer.Step, Is.EqualTo(step + 1));
            }
        }
    }

    [Test]
    public void Groups_take_the_steps_of_PyTorch()
    {
        using var parameters = Parameters();
        var half = new ParameterGroup("b", (name, _) => name == "b") { LearningRateScale = 0.5, WeightDecay = 0 };
        using var optimizer = new AdamW(parameters, null, [half]);
        for (int step = 0; step < 4; step++)
        {
            SetGradient(parameters, Gradients[step]);
            optimizer.Update(0.01, 1f);
            Assert.That(Values(parameters), Is.EqualTo(TorchGroupValues[step]).Within(1e-6), $"step {step}");
        }
    }

    [Test]
    public void Groups_that_say_what_the_options_say_change_no_bit()
    {
        using var parameters = new ParameterSet(Device);
        using var grouped = new ParameterSet(Device);
        foreach (var set in new[] { parameters, grouped })
        {
            foreach (var (name, shape) in new (string, Shape)[] { ("a", [5, 7]), ("b", [7]), ("c", [40, 3]), ("d", [3]) }) set.Add(name, shape);
            set.Freeze();
            RandomNumbers.Normal(set.Values, 1, 2);
            RandomNumbers.Normal(set.Gradients, 1, 3);
        }
        using var plain = new AdamW(parameters);
        using var optimizer = new AdamW(grouped, null, [new ParameterGroup("vectors", (_, shape) => shape.Rank == 1)]);
        for (int step = 0; step < 2; step++)
        {
            plain.Update(0.01, 1f);
            optimizer.Update(0.01, 1f);
        }
        Assert.That(grouped.Values.ToArray<float>(), Is.EqualTo(parameters.Values.ToArray<float>()));
    }

    [Test]
    public void Gains_and_biases_need_not_decay()
    {
        using var parameters = new ParameterSet(Device);
        foreach (var (name, shape) in new (string, Shape)[] { ("conv.weight", [2, 1, 1, 2]), ("norm.weight", [2]), ("norm.bias", [2]) })
        {
            parameters.Add(name, shape);
        }
        parameters.Freeze();
        InPlace.Constant(parameters.Values, 1);
        using var optimizer = new AdamW(parameters, new AdamWOptions { WeightDecay = 0.5 }, [ParameterGroup.GainsAndBiasesWithoutDecay]);
        optimizer.Update(0.5);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(parameters["conv.weight"].ToArray<float>(), Has.All.EqualTo(0.75f));
            Assert.That(parameters["norm.weight"].ToArray<float>().Concat(parameters["norm.bias"].ToArray<float>()), Has.All.EqualTo(1f));
        }
    }

    [Test]
    public void Refuses_groups_that_say_nothing_or_nonsense()
    {
        using var parameters = Parameters();
        var all = new ParameterGroup("all", (_, _) => true);
        using (Assert.EnterMultipleScope())
        {
            Refuses(new ParameterGroup("none", (_, shape) => shape.Rank > 1), "group 'none' has none of the 2 parameters");
            Refuses(all with { LearningRateScale = -1 }, "group 'all': the scale of the learning rate is -1");
            Refuses(all with { LearningRateScale = double.NaN }, "the scale of the learning rate is NaN");
            Refuses(all with { WeightDecay = 1 }, "group 'all': weight decay must lie in [0, 1), it is 1");
        }

        void Refuses(ParameterGroup group, string named) =>
            Assert.That(() => new AdamW(parameters, null, [group]), Throws.ArgumentException.With.Message.Contains(named));
    }

    [Test]
    public void A_resumed_run_gives_the_bits_of_one_that_never_stopped()
    {
        string path = Path.Combine(TestContext.CurrentContext.WorkDirectory, $"adamw_{device}.safetensors");
        using var parameters = Parameters();
        using var optimizer = new AdamW(parameters);
        for (int step = 0; step < 2; step++) Take(parameters, optimizer, step);
        using var state = new TensorState(path);
        parameters.SaveTo(state, "model.");
        optimizer.SaveTo(state, "adamw.");
        SafetensorsWriter.Write(path, state);
        for (int step = 2; step < 4; step++) Take(parameters, optimizer, step);

        using var file = SafetensorsFile.Open(path);
        using var resumed = Parameters();
        using var second = new AdamW(resumed);
        resumed.LoadFrom(file, "model.");
        second.LoadFrom(file, "adamw.");
        Assert.That(second.Step, Is.EqualTo(2));
        for (int step = 2; step < 4; step++) Take(resumed, second, step);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(resumed.Values.ToArray<float>(), Is.EqualTo(parameters.Values.ToArray<float>()));
            Assert.That(State(second), Is.EqualTo(State(optimizer)));
        }

        static void Take(ParameterSet p, AdamW a, int step)
        {
            SetGradient(p, Gradients[step]);
            a.Update(0.01 / (step + 1), 1f);
        }
    }

    [Test]
    public void Padding_between_parameters_stays_zero()
    {
        using var parameters = Parameters();
        using var optimizer = new AdamW(parameters, new AdamWOptions { WeightDecay = 0.5 });
        SetGradient(parameters, Gradients[0]);
        for (int step = 0; step < 3; step++) optimizer.Update(0.1);
        float[] values = parameters.Values.ToArray<float>();
        Assert.That(values.Select((v, i) => i is 0 or 1 or 16 or 17 or 18 ? 0 : v), Is.EqualTo(new float[32]));
    }

    [Test]
    public void A_gradient_shorter_than_the_limit_is_not_scaled()
    {
        using var clipped = Parameters();
        using var plain = Parameters();
        using var first = new AdamW(clipped);
        using var second = new AdamW(plain);
        SetGradient(clipped, Gradients[0]);
        SetGradient(plain, Gradients[0]);
        first.Update(0.01, 0.4f);
        second.Update(0.01);
        Assert.That(clipped.Values.ToArray<float>(), Is.EqualTo(plain.Values.ToArray<float>()));
    }

    [TestCase(1e-40f)] // subnormal
    [TestCase(1e-30f)]
    [TestCase(1f)]
    [TestCase(1e30f)]
    [TestCase(1e36f)]
    public void The_norm_neither_overflows_nor_underflows(float scale)
    {
        float[] g = [.. Enumerable.Range(0, 9000).Select(i => scale * (i % 7 == 0 ? 0 : float.Sin(i)) * (i < 4096 ? 1 : 1e-3f))];
        double expected = double.Sqrt(g.Sum(x => (double)x * x));
        Assert.That(Norm(g)[0], Is.EqualTo(expected).Within(2e-6 * expected));
    }

    [Test]
    public void The_norm_of_blocks_of_very_different_size_is_right()
    {
        float[] g = new float[3 * 4096];
        (g[0], g[5000], g[^1]) = (3e-30f, 1e20f, 1e-38f);
        Assert.That(Norm(g)[0], Is.EqualTo(1e20f));
        g[5000] = 4e-30f;
        Assert.That(Norm(g)[0], Is.EqualTo(5e-30f).Within(1e-36f));
    }

    [TestCase(float.NaN, ExpectedResult = true)]
    [TestCase(float.PositiveInfinity, ExpectedResult = false)]
    [TestCase(float.NegativeInfinity, ExpectedResult = false)]
    public bool A_gradient_that_is_not_finite_is_seen_in_the_norm(float bad)
    {
        float[] g = new float[10_000];
        g[7777] = bad;
        float norm = Norm(g)[0];
        Assert.That(float.IsFinite(norm), Is.False);
        return float.IsNaN(norm);
    }

    [Test]
    public void The_norm_of_nothing_but_zeros_is_zero_and_clips_nothing() => Assert.That(Norm(new float[5000]), Is.EqualTo(new[] { 0f, 1f }));

    [Test]
    public void Refuses_what_does_not_fit()
    {
        using var parameters = Parameters();
        using var optimizer = new AdamW(parameters);
        using var arena = new Arena(Device);
        var x = arena.Zeros([4]);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => optimizer.Update(-1), Throws.ArgumentException.With.Message.Contains("learning rate"));
            Assert.That(() => optimizer.Update(double.NaN), Throws.ArgumentException.With.Message.Contains("learning rate"));
            Assert.That(() => optimizer.Update(0.1, 0), Throws.ArgumentException.With.Message.Contains("maxNorm"));
            Assert.That(() => new AdamW(parameters, new AdamWOptions { Beta1 = 1 }), Throws.ArgumentException.With.Message.Contains("beta1"));
            Assert.That(() => new AdamW(parameters, new AdamWOptions { Epsilon = 0 }), Throws.ArgumentException.With.Message.Contains("epsilon"));
            Assert.That(() => optimizer.LoadFrom(new TensorState("nothing")), Throws.ArgumentException.With.Message.Contains("step"));
            Assert.That(() => Optim.EmaStep(x, x, 1.5), Throws.ArgumentException.With.Message.Contains("decay"));
            Assert.That(() => Optim.EmaStep(x, arena.Zeros([5]), 0.5), Throws.ArgumentException.With.Message.Contains("[4]"));
            Assert.That(
                () => Optim.GradientNorm(x, 1, arena.Zeros([2, 2]), arena.Zeros([2])),
                Throws.ArgumentException.With.Message.Contains("[1,2]"));
            Assert.That(optimizer.Step, Is.Zero);
        }
    }

    private ParameterSet Parameters()
    {
        var parameters = new ParameterSet(Device);
        parameters.Add("a", [2]);
        parameters.Add("b", [3]);
        parameters.Freeze();
        parameters["a"].CopyFrom<float>([0.5f, -1.25f]);
        parameters["b"].CopyFrom<float>([2f, 0, -3]);
        return parameters;
    }

    private static void SetGradient(ParameterSet parameters, float[] gradient)
    {
        parameters["a"].Grad!.CopyFrom<float>(gradient.AsSpan(0, 2));
        parameters["b"].Grad!.CopyFrom<float>(gradient.AsSpan(2, 3));
    }

    private static double[] Values(ParameterSet parameters) =>
        [.. parameters["a"].ToArray<float>().Concat(parameters["b"].ToArray<float>()).Select(v => (double)v)];

    private static Dictionary<string, float[]> State(AdamW optimizer)
    {
        using var state = new TensorState("state");
        optimizer.SaveTo(state);
        return state.Weights.Where(t => t.Value.Type == DType.F32).ToDictionary(t => t.Key, t => state.ReadF32(t.Key));
    }

    private float[] Norm(float[] gradient)
    {
        using var arena = new Arena(Device);
        var result = arena.New([2]);
        Optim.GradientNorm(arena.From(gradient, [gradient.Length]), 1f, arena.New(Optim.NormScratch(gradient.Length)), result);
        return result.ToArray<float>();
    }
}
