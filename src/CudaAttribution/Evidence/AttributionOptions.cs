using CudaAttribution.Answers;
using CudaAttribution.Populations;
using CudaAttribution.Runs;

namespace CudaAttribution.Evidence;

/// <summary>How a suspect is judged.</summary>
public sealed record AttributionOptions
{
    /// <summary>α of both tests.</summary>
    public double Alpha { get; init; } = 0.01;

    public ulong Seed { get; init; }

    /// <summary>q of the calibrated threshold: the share of innocent answers below δ0 in Zhang et al. 2024, table 2.</summary>
    public double CalibrationQuantile { get; init; } = 0.043;

    /// <summary>Level of the intervals.</summary>
    public double IntervalLevel { get; init; } = 0.95;

    /// <summary>Power of the smallest detectable rate.</summary>
    public double Power { get; init; } = 0.9;

    /// <summary>Largest share of unusable answers with which there is a verdict.</summary>
    public double MaxUnusable { get; init; } = Usability.DefaultShare;

    /// <summary>What is known of the suspect's prompts.</summary>
    public PromptOverlap Overlap { get; init; } = PromptOverlap.Unknown;

    /// <exception cref="UserException">A number that makes no sense.</exception>
    public void Validate()
    {
        (string Name, double Value)[] shares =
            [("alpha", Alpha), ("calibration quantile", CalibrationQuantile), ("interval level", IntervalLevel), ("power", Power)];
        foreach (var (name, value) in shares)
        {
            if (value is not (> 0 and < 1)) throw new UserException($"the {name} is {value}", "Use a number between 0 and 1.");
        }
        if (MaxUnusable is not (>= 0 and < 1))
            throw new UserException($"the largest share of unusable answers is {MaxUnusable}", "Use a number from 0 to below 1.");
    }
}
