using CudaAttribution.Runs;

namespace CudaAttribution.Models.Schedulers;

/// <summary>
/// DDIM (Song et al. 2021) as a pure function of its configuration: a list of steps, each carrying its pair (t, t_prev) and every coefficient in
/// float64. The previous timestep is the next entry of the list, for every spacing; it is never computed from t.
/// </summary>
public static class DdimScheduler
{
    /// <summary>The steps of a sampling run, from most to least noise.</summary>
    /// <param name="config">Schedule, spacing and prediction type.</param>
    /// <param name="steps">S, 1 to <c>num_train_timesteps</c>.</param>
    /// <param name="eta">η in [0, 1]: 0 is deterministic, 1 has DDPM's variance.</param>
    /// <exception cref="UserException">The steps do not fit the schedule; the message says which do.</exception>
    public static IReadOnlyList<SamplingStep> Steps(SchedulerConfig config, int steps, double eta = 0)
    {
        if (eta is not (>= 0 and <= 1)) throw new ArgumentException($"eta must lie in [0, 1], it is {eta}", nameof(eta));
        var schedule = new NoiseSchedule(config);
        int[] timesteps = Timesteps(config, steps);
        var result = new SamplingStep[steps];
        for (int k = 0; k < steps; k++)
        {
            int previous = k + 1 < steps ? timesteps[k + 1] : -1;
            double last = config.SetAlphaToOne ? 1 : schedule.AlphaBar(0);
            double alphaBarPrevious = previous < 0 ? last : schedule.AlphaBar(previous);
            result[k] = Step(timesteps[k], previous, schedule.AlphaBar(timesteps[k]), alphaBarPrevious, config.PredictionType, eta);
        }
        return result;
    }

    /// <summary>The timesteps alone, descending.</summary>
    /// <exception cref="UserException">The steps do not fit the schedule.</exception>
    public static int[] Timesteps(SchedulerConfig config, int steps)
    {
        int total = config.NumTrainTimesteps;
        if (steps < 1 || steps > total)
        {
            throw new UserException($"{steps} sampling steps are asked for", $"Use 1..{total} (num_train_timesteps).");
        }
        int[] result = new int[steps];
        for (int k = 0; k < steps; k++) result[steps - 1 - k] = Ascending(config, steps, k);
        if (result[0] >= total)
        {
            throw new UserException(
                $"{steps} steps with spacing leading and steps_offset {config.StepsOffset} begin at timestep {result[0]}, "
                + $"beyond the last one, {total - 1}",
                "Use fewer steps or a smaller offset.");
        }
        return result;
    }

    private static int Ascending(SchedulerConfig config, int steps, int k)
    {
        int total = config.NumTrainTimesteps;
        return config.TimestepSpacing switch
        {
            TimestepSpacing.Leading => k * (total / steps) + config.StepsOffset,
            TimestepSpacing.Linspace => steps == 1 ? 0 : (int)Math.Round(k * ((total - 1.0) / (steps - 1)), MidpointRounding.ToEven),
            TimestepSpacing.Trailing => (int)Math.Round(total - (steps - 1 - k) * ((double)total / steps), MidpointRounding.ToEven) - 1,
            _ => throw new ArgumentException($"unknown spacing {config.TimestepSpacing}"),
        };
    }

    private static SamplingStep Step(int t, int previous, double a, double p, PredictionType prediction, double eta)
    {
        double variance = eta == 0 ? 0 : eta * eta * (1 - p) / (1 - a) * (1 - a / p);
        var (sample, output) = Factors(a, p, prediction, variance);
        return new SamplingStep(t, previous, a, p, sample, output, Math.Sqrt(variance));
    }

    /// <summary>
    /// Factors of x_t and of the output o in √ᾱ_p·x̂0 + √(1−ᾱ_p−σ²)·ε, from ᾱ_t = <paramref name="a"/> to ᾱ_p = <paramref name="p"/>: x̂0 and ε are
    /// linear in both.
    /// </summary>
    internal static (double Sample, double Output) Factors(double a, double p, PredictionType prediction, double variance)
    {
        double signal = Math.Sqrt(a), noise = Math.Sqrt(1 - a), direction = Math.Sqrt(Math.Max(0, 1 - p - variance));
        return prediction == PredictionType.Epsilon
            ? (Math.Sqrt(p) / signal, direction - Math.Sqrt(p) * noise / signal)
            : (Math.Sqrt(p) * signal + direction * noise, direction * signal - Math.Sqrt(p) * noise);
    }
}
