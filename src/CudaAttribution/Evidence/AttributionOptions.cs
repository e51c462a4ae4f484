using CudaAttribution.Answers;
using CudaAttribution.Populations;
using CudaAttribution.Runs;
using CudaAttribution.Statistics;

namespace CudaAttribution.Evidence;

/// <summary>How the answers of a suspect are counted and compared.</summary>
public sealed record AttributionOptions
{
    /// <summary>α: a family has enough references where their ranks can go down to it.</summary>
    public double Alpha { get; init; } = 0.01;

    public ulong Seed { get; init; }

    /// <summary>q of the calibrated threshold: the share of the answers of CAL innocents that it makes hits.</summary>
    public double CalibrationQuantile { get; init; } = PublishedRule.InnocentRate;

    /// <summary>Level of the intervals.</summary>
    public double IntervalLevel { get; init; } = 0.95;

    /// <summary>Largest share of unusable answers with which there are p-values.</summary>
    public double MaxUnusable { get; init; } = Usability.DefaultShare;

    /// <summary>What is known of the suspect's prompts.</summary>
    public PromptOverlap Overlap { get; init; } = PromptOverlap.Unknown;

    /// <exception cref="UserException">A number that makes no sense.</exception>
    public void Validate()
    {
        (string Name, double Value)[] shares =
            [("alpha", Alpha), ("calibration quantile", CalibrationQuantile), ("interval level", IntervalLevel)];
        foreach (var (name, value) in shares)
        {
            if (value is not (> 0 and < 1)) throw new UserException($"the {name} is {value}", "Use a number between 0 and 1.");
        }
        if (MaxUnusable is not (>= 0 and < 1))
            throw new UserException($"the largest share of unusable answers is {MaxUnusable}", "Use a number from 0 to below 1.");
    }
}
