using System.Text.Json;
using CudaAttribution.Tensors.Ops;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Tensors.Tests;

public sealed class SamplingTests(string device) : ArenaFixture(device)
{
    [TestCase(-1)]
    [TestCase(4)]
    [TestCase(int.MinValue)]
    public void A_timestep_outside_the_schedule_gives_NaN_for_its_sample_only(int bad)
    {
        var noisy = Arena.New([2, 3]);
        var table = Arena.From([1f, 1f, 1f, 1f], [4]);
        Sampling.QSample(Arena.Zeros([2, 3]), Arena.Zeros([2, 3]), Arena.From([bad, 3], [2]), table, table, noisy);
        Assert.That(noisy.ToArray<float>(), Is.EqualTo(new[] { float.NaN, float.NaN, float.NaN, 0f, 0f, 0f }));
    }

    /// <summary>Against one step that the PyTorch oracle took in float64, from the definition with x̂0 and ε (Song et al. 2021).</summary>
    [TestCase("epsilon", "step")]
    [TestCase("v_prediction", "step")]
    [TestCase("epsilon", "step_last")]
    [TestCase("v_prediction", "step_last")]
    public void A_ddim_step_agrees_with_the_oracle(string prediction, string step)
    {
        using var golden = SafetensorsFile.Open(Golden.File("ddim_sample.safetensors"));
        using var info = JsonDocument.Parse(File.ReadAllText(Golden.File("ddim_sample.json")));
        using var schedule = JsonDocument.Parse(File.ReadAllText(Golden.File("schedule.json")));
        var bars = schedule.RootElement.GetProperty("alphas_cumprod");
        var entry = info.RootElement.GetProperty(step);
        double a = bars[entry.GetProperty("timestep").GetInt32()].GetDouble();
        double p = bars[int.Max(0, entry.GetProperty("previous").GetInt32())].GetDouble();
        double eta = entry.TryGetProperty("eta", out var given) ? given.GetDouble() : 0, sigma = eta * double.Sqrt((1 - p) / (1 - a) * (1 - (a / p)));
        double direction = double.Sqrt(1 - p - (sigma * sigma)), root = double.Sqrt(p);
        var (sample, output) = prediction == "epsilon"
            ? (root / double.Sqrt(a), direction - (root * double.Sqrt((1 - a) / a)))
            : ((root * double.Sqrt(a)) + (direction * double.Sqrt(1 - a)), (direction * double.Sqrt(a)) - (root * double.Sqrt(1 - a)));

        var x = Upload(golden, "step.x");
        var noise = sigma == 0 ? null : Upload(golden, "step.noise");
        Sampling.DdimStep(x, Upload(golden, "step.output"), null, 1, (float)sample, (float)output, (float)sigma, noise, x);
        Assert.That(x.ToArray<float>(), Is.EqualTo(golden.ReadF32($"{step}.{prediction}")).Within(2e-6f));
    }

    [Test]
    public void A_step_in_place_gives_the_bits_of_one_into_another_tensor()
    {
        var (x, c, u, y) = (Arena.New([4100]), Arena.New([4100]), Arena.New([4100]), Arena.New([4100]));
        foreach (var (tensor, stream) in new[] { (x, 0UL), (c, 1UL), (u, 2UL) }) RandomNumbers.Normal(tensor, 9, stream);
        Sampling.DdimStep(x, c, u, 7.5f, 1.01f, -0.02f, 0, null, y);
        Sampling.DdimStep(x, c, u, 7.5f, 1.01f, -0.02f, 0, null, x);
        Assert.That(x.ToArray<float>(), Is.EqualTo(y.ToArray<float>()));
    }

    [Test]
    public void A_step_accepts_no_argument_that_it_would_ignore()
    {
        var x = Arena.Zeros([2]);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => Sampling.DdimStep(x, x, null, 7.5f, 1, 1, 0, null, x), Throws.ArgumentException.With.Message.Contains("empty prompt"));
            Assert.That(() => Sampling.DdimStep(x, x, null, 1, 1, 1, 0.5f, null, x), Throws.ArgumentException.With.Message.Contains("without noise"));
            Assert.That(() => Sampling.DdimStep(x, x, null, 1, 1, 1, 0, x, x), Throws.ArgumentException.With.Message.Contains("with noise"));
        }
    }

    private Tensor Upload(SafetensorsFile file, string name) => Arena.From(file.ReadF32(name), file.Tensors[name].Shape);
}
