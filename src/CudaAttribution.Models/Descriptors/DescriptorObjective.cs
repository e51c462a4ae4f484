using System.Text.Json.Nodes;
using CudaAttribution.Models.Training;

namespace CudaAttribution.Models.Descriptors;

/// <summary>What the training of a descriptor minimises (Pizzi et al. 2022): InfoNCE over two views of each picture, and a spread of neighbours.</summary>
public sealed record DescriptorObjective
{
    /// <summary>τ of InfoNCE.</summary>
    public double Temperature { get; init; } = 0.05;

    /// <summary>λ: weight of −log of the distance from the nearest view of another picture.</summary>
    public double Spread { get; init; } = 10;

    /// <exception cref="CudaAttribution.Runs.UserException">A value makes no sense; the message names it.</exception>
    public void Validate()
    {
        TrainOptions.Require(Temperature is >= 0.025 and <= 1, nameof(Temperature), Temperature, "in [0.025, 1]");
        TrainOptions.Require(Spread >= 0 && double.IsFinite(Spread), nameof(Spread), Spread, "zero or positive");
    }

    internal void Describe(JsonObject description)
    {
        description["temperature"] = Temperature;
        description["spread"] = Spread;
    }
}
