using CudaAttribution.Runs;

namespace CudaAttribution.Models.Schedulers;

/// <summary>
/// One step of DDIM inversion, from less noise to more: x_t' = <see cref="Sample"/>·x_t + <see cref="Output"/>·o with o the model's output for
/// (x_t, t'), then as often as wanted x_t' ← <see cref="RepeatSample"/>·x_t + <see cref="RepeatOutput"/>·o with o the output for (x_t', t').
/// </summary>
/// <param name="Timestep">t': what the model is told.</param>
/// <param name="AlphaBar">ᾱ of x_t, where the step starts.</param>
/// <param name="AlphaBarNext">ᾱ of x_t', where it ends.</param>
/// <param name="Sample">Factor of x_t in the first estimate.</param>
/// <param name="Output">Factor of the output in the first estimate.</param>
/// <param name="RepeatSample">Factor of x_t in a repeat.</param>
/// <param name="RepeatOutput">Factor of the output in a repeat.</param>
public readonly record struct InversionStep(
    int Timestep, double AlphaBar, double AlphaBarNext, double Sample, double Output, double RepeatSample, double RepeatOutput);

/// <summary>
/// DDIM run backwards, as a pure function of its configuration [diffusers' <c>DDIMInverseScheduler</c>]: the pairs of
/// timesteps are those of <see cref="DdimScheduler"/>, in reverse.
/// </summary>
/// <remarks>
/// The first estimate splits x_t into x̂0 and ε by ᾱ_t, though the model was told t'. A repeat solves DDIM's own step for x_t', with the output at
/// the last estimate, so that its fixed point is what DDIM's step leads back to x_t exactly. For ε-models both have the same factors.
/// </remarks>
public static class DdimInversion
{
    /// <summary>The steps, from least to most noise.</summary>
    /// <param name="config">Schedule, spacing and prediction type.</param>
    /// <param name="steps">S, as of the sampling run that is inverted.</param>
    /// <exception cref="UserException">The steps do not fit the schedule.</exception>
    public static IReadOnlyList<InversionStep> Steps(SchedulerConfig config, int steps) =>
    [
        .. DdimScheduler.Steps(config, steps).Reverse().Select(step =>
        {
            var (sample, output) = DdimScheduler.Factors(step.AlphaBarPrevious, step.AlphaBar, config.PredictionType, variance: 0);
            return new InversionStep(
                step.Timestep, step.AlphaBarPrevious, step.AlphaBar, sample, output, 1 / step.Sample, -step.Output / step.Sample);
        }),
    ];
}
