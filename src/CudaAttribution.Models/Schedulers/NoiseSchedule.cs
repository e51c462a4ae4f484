namespace CudaAttribution.Models.Schedulers;

/// <summary>
/// Stable Diffusion's "scaled linear" noise schedule in float64: β_t = (√β_0 + (√β_1 − √β_0)·t/(T−1))²,
/// ᾱ_t = Π_{s≤t}(1 − β_s).
/// </summary>
public sealed class NoiseSchedule
{
    private readonly double[] _alphaBar;

    public NoiseSchedule(SchedulerConfig config)
    {
        if (config.Problem() is { } problem) throw new ArgumentException(problem, nameof(config));
        _alphaBar = new double[config.NumTrainTimesteps];
        double first = Math.Sqrt(config.BetaStart), last = Math.Sqrt(config.BetaEnd), product = 1;
        for (int t = 0; t < _alphaBar.Length; t++)
        {
            double root = _alphaBar.Length == 1 ? first : first + (last - first) * t / (_alphaBar.Length - 1);
            _alphaBar[t] = product *= 1 - root * root;
        }
    }

    /// <summary>Number of training timesteps T.</summary>
    public int Count => _alphaBar.Length;

    /// <summary>ᾱ_t: the share of the picture's variance that is left at timestep <paramref name="t"/>.</summary>
    public double AlphaBar(int t) => _alphaBar[t];

    /// <summary>Signal-to-noise ratio ᾱ_t / (1 − ᾱ_t).</summary>
    public double Snr(int t) => _alphaBar[t] / (1 - _alphaBar[t]);

    /// <summary>√ᾱ_t of every timestep, rounded once to F32.</summary>
    public float[] Signal() => [.. _alphaBar.Select(a => (float)Math.Sqrt(a))];

    /// <summary>√(1 − ᾱ_t) of every timestep, rounded once to F32.</summary>
    public float[] Noise() => [.. _alphaBar.Select(a => (float)Math.Sqrt(1 - a))];
}
