using System.Text.Json.Nodes;
using CudaAttribution.Models.Diffusion;
using CudaAttribution.Tensors;

namespace CudaAttribution.Models.Training;

/// <summary>What decides the result of a training run, the number of steps aside: a run may be continued beyond where it was to end.</summary>
internal static class RunDescription
{
    public static JsonObject Of(DiffusionModel model, TrainingSet data, TrainOptions o)
    {
        var run = Settings(model, data, o);
        // Checkpoints of runs without these never named them.
        if (model.Device.Math.Operands is var operands and not DType.F32) run["products"] = operands.ToString();
        if (o.GradientAccumulation != 1) run["gradient_accumulation"] = o.GradientAccumulation;
        if (o.MinSnrGamma != 0) run["min_snr_gamma"] = o.MinSnrGamma;
        if (model.Adapter?.Options is { } lora)
        {
            run["adapter"] = new JsonObject { ["rank"] = lora.Rank, ["factor"] = lora.Factor, ["seed"] = lora.Seed };
        }
        return JsonNode.Parse(run.ToJsonString())!.AsObject();
    }

    private static JsonObject Settings(DiffusionModel model, TrainingSet data, TrainOptions o) => new()
    {
        ["start"] = model.WeightsHash(),
        ["data"] = data.Hash(),
        ["trains"] = model.Use.ToString(),
        ["prediction_type"] = model.Scheduler.PredictionType.ToString(),
        ["batch_size"] = o.BatchSize,
        ["learning_rate"] = o.LearningRate,
        ["warmup_steps"] = o.WarmupSteps,
        ["beta1"] = o.Optimizer.Beta1,
        ["beta2"] = o.Optimizer.Beta2,
        ["epsilon"] = o.Optimizer.Epsilon,
        ["weight_decay"] = o.Optimizer.WeightDecay,
        ["max_gradient_norm"] = o.MaxGradientNorm,
        ["caption_drop"] = o.CaptionDrop,
        ["ema_decay"] = o.EmaDecay,
        ["seed"] = o.Seed,
    };
}
