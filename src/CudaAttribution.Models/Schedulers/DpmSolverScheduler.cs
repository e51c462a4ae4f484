using CudaAttribution.Runs;

namespace CudaAttribution.Models.Schedulers;

/// <summary>
/// DPM-Solver++(2M) (Lu et al. 2022, algorithm 2) in diffusers' form: midpoint, the first and the last update of first order, the last one to σ = 0.
/// With λ = ln(√ᾱ/√(1−ᾱ)), h = λ_p − λ_t and h_0 the h of the update before, x_p = √((1−ᾱ_p)/(1−ᾱ_t))·x_t − √ᾱ_p·(e^−h − 1)·D, where
/// D = x̂0 + (x̂0 − m)·h/(2 h_0) and m is the x̂0 of the update before.
/// </summary>
public static class DpmSolverScheduler
{
    /// <exception cref="UserException">The steps do not fit the schedule.</exception>
    public static SamplingPlan Plan(SchedulerConfig config, int steps)
    {
        var schedule = new NoiseSchedule(config);
        int[] timesteps = Timesteps(config, steps);
        var list = new SamplingStep[steps];
        double before = 0;
        for (int k = 0; k < steps; k++)
        {
            bool last = k + 1 == steps;
            double a = schedule.AlphaBar(timesteps[k]), p = last ? 1 : schedule.AlphaBar(timesteps[k + 1]);
            double h = last ? double.PositiveInfinity : Lambda(p) - Lambda(a);
            double keep = last ? 0 : Math.Sqrt((1 - p) / (1 - a)), move = -Math.Sqrt(p) * (last ? -1 : Math.Exp(-h) - 1);
            double slope = k == 0 || last ? 0 : h / (2 * before);
            var (sample, output) = SamplingStep.Data(a, config.PredictionType);
            list[k] = new SamplingStep(
                timesteps[k], last ? -1 : timesteps[k + 1], a, p, keep + move * (1 + slope) * sample, move * (1 + slope) * output, 0)
            {
                Memory = -move * slope,
            };
            before = h;
        }
        return new SamplingPlan(list, InitialNoise: 1, Multistep: true, config.PredictionType);
    }

    private static double Lambda(double alphaBar) => 0.5 * Math.Log(alphaBar / (1 - alphaBar));

    /// <summary>diffusers spaces S + 1 timesteps here and leaves out the least noisy one.</summary>
    private static int[] Timesteps(SchedulerConfig config, int steps)
    {
        int total = config.NumTrainTimesteps;
        if (steps < 1 || steps >= total)
        {
            throw new UserException($"{steps} sampling steps are asked for", $"Use 1..{total - 1} for dpm-solver.");
        }
        int[] result = new int[steps];
        for (int k = 0; k < steps; k++)
        {
            int ascending = steps - k;
            result[k] = config.TimestepSpacing switch
            {
                TimestepSpacing.Leading => ascending * (total / (steps + 1)) + config.StepsOffset,
                TimestepSpacing.Linspace => (int)Math.Round(ascending * ((total - 1.0) / steps), MidpointRounding.ToEven),
                TimestepSpacing.Trailing => (int)Math.Round(total - k * ((double)total / steps), MidpointRounding.ToEven) - 1,
                _ => throw new ArgumentException($"unknown spacing {config.TimestepSpacing}"),
            };
        }
        return result[0] < total
            ? result
            : throw new UserException(
                $"{steps} steps with spacing leading and steps_offset {config.StepsOffset} begin at timestep {result[0]}, beyond the last one, "
                + $"{total - 1}",
                "Use a smaller offset.");
    }
}
