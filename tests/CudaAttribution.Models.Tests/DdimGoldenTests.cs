using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Layers;
using CudaAttribution.Models.Schedulers;
using CudaAttribution.Models.UNet;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tensors.Ops;
using CudaAttribution.Tensors.Weights;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests;

/// <summary>Guided sampling against the oracle in float64.</summary>
public class DdimGoldenTests
{
    [Test]
    public void FiveSteps([Values] PredictionType prediction, [Values] bool guided)
    {
        using var golden = new Golden("ddim_sample");
        using var device = ComputeDevice.Open("cpu");
        using var parameters = new ParameterSet(device);
        var unet = new UNet2DConditionModel(UNetConfig.FromJson(golden.Config, "golden"), new ParameterScope(parameters, new WeightInit()));
        parameters.Freeze(trainable: false);
        golden.Fill(parameters);
        using var arena = new Arena(device);
        var x = golden.Picture(arena, "latent");
        float[] prompts = golden.Values("encoder_hidden_states"), empty = golden.Values("empty_hidden_states");
        var shape = golden.Shape("encoder_hidden_states");
        var text = guided
            ? arena.From([.. empty, .. empty, .. prompts], new Shape(2 * shape[0], shape[1], shape[2]))
            : arena.From(prompts, shape);
        double guidance = guided ? golden["guidance"].GetDouble() : 1;
        var steps = DdimScheduler.Steps(new SchedulerConfig { PredictionType = prediction }, golden["steps"].GetInt32());
        Sampler.Run(unet, x, text, steps, guidance);
        Assert.That(
            Nmse.Of(x.ToArray<float>(), golden.Pictures($"{(guided ? "sample" : "sample_unguided")}.{Name(prediction)}")),
            Is.LessThanOrEqualTo(Nmse.Limit));
    }

    [Test]
    public void OneStepWithNoiseAndTheLastStep([Values] PredictionType prediction)
    {
        using var golden = new Golden("ddim_sample");
        using var device = ComputeDevice.Open("cpu");
        using var arena = new Arena(device);
        Tensor x = golden.Picture(arena, "step.x"), output = golden.Picture(arena, "step.output"), noise = golden.Picture(arena, "step.noise");
        var result = arena.New(x.Shape);
        var config = new SchedulerConfig { PredictionType = prediction };

        var noted = golden["step"];
        int timestep = noted.GetProperty("timestep").GetInt32();
        var step = DdimScheduler.Steps(config, 25, noted.GetProperty("eta").GetDouble()).Single(s => s.Timestep == timestep);
        Assert.That(step.Previous, Is.EqualTo(noted.GetProperty("previous").GetInt32()));
        Sampling.DdimStep(x, output, null, 1, (float)step.Sample, (float)step.Output, (float)step.Sigma, noise, result);
        Assert.That(Nmse.Of(result.ToArray<float>(), golden.Pictures($"step.{Name(prediction)}")), Is.LessThanOrEqualTo(Nmse.Limit));

        var last = DdimScheduler.Steps(config, 25)[^1];
        Assert.That(last.Timestep, Is.EqualTo(golden["step_last"].GetProperty("timestep").GetInt32()));
        Sampling.DdimStep(x, output, null, 1, (float)last.Sample, (float)last.Output, 0, null, result);
        Assert.That(Nmse.Of(result.ToArray<float>(), golden.Pictures($"step_last.{Name(prediction)}")), Is.LessThanOrEqualTo(Nmse.Limit));
    }

    private static string Name(PredictionType prediction) => prediction == PredictionType.Epsilon ? "epsilon" : "v_prediction";
}
