using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Models;

/// <summary>
/// The diffusion loss on a device: q-sample at given timesteps, the UNet, squared error against its target (methods 3.4), each sample weighted by
/// its timestep where Min-SNR-γ is on (Hang et al. 2023).
/// </summary>
internal sealed class ForwardProcess : IDisposable
{
    private readonly Arena _arena;
    private readonly Tensor _signal, _sigma;
    private readonly double[]? _weights;
    private readonly bool _velocity;

    /// <param name="device">Where it computes.</param>
    /// <param name="config">Noise schedule and target.</param>
    /// <param name="minSnrGamma">γ; 0 for equal weights.</param>
    public ForwardProcess(ComputeDevice device, SchedulerConfig config, double minSnrGamma = 0)
    {
        var schedule = new NoiseSchedule(config);
        _arena = new Arena(device);
        _signal = _arena.From(schedule.Signal(), new Shape(schedule.Count));
        _sigma = _arena.From(schedule.Noise(), new Shape(schedule.Count));
        _velocity = config.PredictionType == PredictionType.VPrediction;
        if (minSnrGamma > 0) _weights = [.. Enumerable.Range(0, schedule.Count).Select(t => MinSnrWeight(schedule.Snr(t), minSnrGamma, _velocity))];
    }

    /// <summary>min(SNR, γ) times what the target's error counts in x_0: 1/SNR for the noise, 1/(SNR + 1) for the velocity.</summary>
    public static double MinSnrWeight(double snr, double gamma, bool velocity) => Math.Min(snr, gamma) / (velocity ? snr + 1 : snr);

    /// <param name="tape">The tape of the step.</param>
    /// <param name="unet">The network.</param>
    /// <param name="clean">x_0, <c>[N,H,W,C]</c>.</param>
    /// <param name="noise">Standard normal, shaped as <paramref name="clean"/>.</param>
    /// <param name="timesteps">One for each of the N.</param>
    /// <param name="text">Text embeddings <c>[N,L,D]</c>.</param>
    /// <returns>The weighted mean of the samples' mean squared errors, one element.</returns>
    public Tensor Loss(Tape tape, UNet2DConditionModel unet, Tensor clean, Tensor noise, ReadOnlySpan<int> timesteps, Tensor text)
    {
        int n = timesteps.Length;
        var t = tape.Arena.From(timesteps.ToArray(), new Shape(n));
        var noisy = tape.New(clean.Shape);
        var velocity = _velocity ? tape.New(clean.Shape) : null;
        Sampling.QSample(clean, noise, t, _signal, _sigma, noisy, velocity);
        var prediction = unet.Forward(tape, noisy, t, text);
        if (_weights is null) return tape.Mse(prediction, velocity ?? noise);
        var shares = new float[n];
        for (int i = 0; i < n; i++) shares[i] = (float)(_weights[timesteps[i]] / n);
        return tape.Linear(tape.MsePerSample(prediction, velocity ?? noise).View(1, n), tape.Arena.From(shares, new Shape(1, n)), null);
    }

    public void Dispose() => _arena.Dispose();
}
