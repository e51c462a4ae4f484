using CudaAttribution.Runs;

namespace CudaAttribution.Models.Schedulers;

/// <summary>
/// Euler steps in σ = √((1−ᾱ)/ᾱ) down to σ = 0 (Karras et al. 2022). In this program's variables, where x has variance one throughout, that is DDIM
/// with η = 0 that ends at ᾱ = 1: x/√ᾱ moves along ε by the change of σ. What differs is where it starts and ends.
/// </summary>
public static class EulerScheduler
{
    /// <exception cref="UserException">
    /// The steps do not fit the schedule, or the spacing is linspace, whose timesteps are fractions in diffusers' Euler.
    /// </exception>
    public static SamplingPlan Plan(SchedulerConfig config, int steps)
    {
        if (config.TimestepSpacing == TimestepSpacing.Linspace)
        {
            throw new UserException(
                "the solver euler with timestep_spacing linspace has timesteps between the trained ones", "Use leading or trailing, or another solver.")
            {
                Setting = "solver",
            };
        }
        var list = DdimScheduler.Steps(config with { SetAlphaToOne = true }, steps);
        // diffusers starts at variance σ² + 1 for leading and σ² for trailing; divided by √(σ² + 1) that is 1 and √(1 − ᾱ).
        double start = config.TimestepSpacing == TimestepSpacing.Leading ? 1 : Math.Sqrt(1 - list[0].AlphaBar);
        return new SamplingPlan(list, start, false, config.PredictionType);
    }
}
