using System.Numerics;
using System.Text.Json.Serialization;
using CudaAttribution.Runs;
using CudaAttribution.Tensors;

namespace CudaAttribution.Populations;

/// <summary>
/// Bounds [low, high] that each innocent draws its own recipe between, so that a family is a law and not one recipe. What has no bounds is as the plan
/// says. Draws are Philox numbers of the member's seed, each of a stream of its own: bounds of one number do not change another.
/// </summary>
public sealed record InnocentLaw
{
    /// <summary>Optimiser steps, each as likely.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<int>? Steps { get; init; }

    /// <summary>Learning rate, its logarithm uniform.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<double>? LearningRate { get; init; }

    /// <summary>Pictures in the training set, each number as likely; which of a member's pictures, its seed says.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<int>? Count { get; init; }

    /// <summary>Guidance that a sibling's source makes its pictures with, uniform.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<double>? Guidance { get; init; }

    /// <exception cref="UserException">Bounds that are none; the message names them.</exception>
    public void Validate()
    {
        Check("steps", Steps, 1);
        Check("learning_rate", LearningRate, double.Epsilon);
        Check("count", Count, 1);
        Check("guidance", Guidance, 0);
    }

    /// <summary>The recipe of a member.</summary>
    /// <param name="training">What has no bounds.</param>
    /// <param name="seed">The member's seed.</param>
    public FineTuneRecipe Training(FineTuneRecipe training, ulong seed) => training with
    {
        Steps = Steps is { } steps ? Integer(steps, seed, "steps") : training.Steps,
        LearningRate = LearningRate is { } rate ? rate[0] * Math.Pow(rate[1] / rate[0], Uniform(seed, "learning_rate")) : training.LearningRate,
    };

    /// <summary>The size of its training set; null without bounds.</summary>
    public int? CountOf(ulong seed) => Count is { } count ? Integer(count, seed, "count") : null;

    /// <summary>Guidance of a sibling's source; null without bounds.</summary>
    public double? GuidanceOf(ulong seed) => Guidance is { } w ? w[0] + (w[1] - w[0]) * Uniform(seed, "guidance") : null;

    private static int Integer(IReadOnlyList<int> bounds, ulong seed, string number) => bounds[0] + Sequence(seed, number).Next(bounds[1] - bounds[0] + 1);

    private static double Uniform(ulong seed, string number) => Sequence(seed, number).NextSingle();

    private static PhiloxSequence Sequence(ulong seed, string number) => new(seed, Philox.Stream($"innocent.law.{number}"));

    private static void Check<T>(string name, IReadOnlyList<T>? bounds, T least) where T : INumber<T>
    {
        if (bounds is null) return;
        if (bounds.Count != 2 || !(bounds[0] >= least) || !(bounds[1] >= bounds[0]) || !T.IsFinite(bounds[1]))
        {
            string floor = least == T.Zero ? "at least 0" : "above 0";
            throw new UserException(
                $"the bounds of {name} in the law are [{string.Join(", ", bounds)}]", $"Give the lower and the upper one, numbers {floor}.");
        }
    }
}
