namespace CudaAttribution.Tensors.Ops;

/// <summary>Parameters that an optimiser treats in a way of their own.</summary>
/// <param name="Name">For messages.</param>
/// <param name="Has">Whether a parameter, given by name and shape, belongs to it.</param>
public sealed record ParameterGroup(string Name, Func<string, Shape, bool> Has)
{
    /// <summary>Factor on the learning rate, finite and not negative.</summary>
    public double LearningRateScale { get; init; } = 1;

    /// <summary>Decoupled decay in place of <see cref="AdamWOptions.WeightDecay"/>; null for that.</summary>
    public double? WeightDecay { get; init; }

    /// <summary>Gains and biases, which are those with one axis, do not decay: they are few, and pulling them to zero regularises nothing.</summary>
    public static ParameterGroup GainsAndBiasesWithoutDecay { get; } = new("gains and biases", (_, shape) => shape.Rank <= 1) { WeightDecay = 0 };
}
