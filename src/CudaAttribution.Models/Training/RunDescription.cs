using System.Text.Json.Nodes;
using CudaAttribution.Tensors;

namespace CudaAttribution.Models.Training;

/// <summary>What decides the result of a training run, the number of steps aside: a run may be continued beyond where it was to end.</summary>
internal static class RunDescription
{
    public static JsonObject Of(ITrainingTask task, TrainOptions o)
    {
        var run = Settings(o);
        // Checkpoints of runs without these never named them.
        if (task.Parameters.Device.Math.Operands is var operands and not DType.F32) run["products"] = operands.ToString();
        if (o.GradientAccumulation != 1) run["gradient_accumulation"] = o.GradientAccumulation;
        if (o.Groups.Count > 0) run["groups"] = Groups(o);
        foreach (var (name, value) in task.Describe()) run.Add(name, value?.DeepClone());
        return JsonNode.Parse(run.ToJsonString())!.AsObject();
    }

    private static JsonObject Settings(TrainOptions o) => new()
    {
        ["batch_size"] = o.BatchSize,
        ["learning_rate"] = o.LearningRate,
        ["warmup_steps"] = o.WarmupSteps,
        ["beta1"] = o.Optimizer.Beta1,
        ["beta2"] = o.Optimizer.Beta2,
        ["epsilon"] = o.Optimizer.Epsilon,
        ["weight_decay"] = o.Optimizer.WeightDecay,
        ["max_gradient_norm"] = o.MaxGradientNorm,
        ["ema_decay"] = o.EmaDecay,
        ["seed"] = o.Seed,
    };

    private static JsonArray Groups(TrainOptions o) =>
    [
        .. o.Groups.Select(g => new JsonObject
        {
            ["name"] = g.Name, ["learning_rate_scale"] = g.LearningRateScale, ["weight_decay"] = g.WeightDecay ?? o.Optimizer.WeightDecay,
        }),
    ];
}
