using CudaAttribution.Models.Schedulers;
using CudaAttribution.Models.UNet;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Models.Training;

/// <summary>
/// The diffusion loss on a device: q-sample at given timesteps, the UNet, squared error against its target, each sample weighted by its
/// timestep where Min-SNR-γ is on (Hang et al. 2023).
/// </summary>
internal sealed class ForwardProcess : IDisposable
{
    private readonly Arena _arena;
    private readonly Tensor _signal, _sigma;
    private readonly Tensor? _shares;
    private readonly int _samples;
    private readonly bool _velocity;

    /// <param name="device">Where it computes.</param>
    /// <param name="config">Noise schedule and target.</param>
    public ForwardProcess(ComputeDevice device, SchedulerConfig config)
    {
        var schedule = new NoiseSchedule(config);
        _arena = new Arena(device);
        _signal = _arena.From(schedule.Signal(), new Shape(schedule.Count));
        _sigma = _arena.From(schedule.Noise(), new Shape(schedule.Count));
        _velocity = config.PredictionType == PredictionType.VPrediction;
    }

    /// <summary>With Min-SNR weighting.</summary>
    /// <param name="device">Where it computes.</param>
    /// <param name="config">Noise schedule and target.</param>
    /// <param name="minSnrGamma">γ; 0 for equal weights.</param>
    /// <param name="samples">N of every loss.</param>
    public ForwardProcess(ComputeDevice device, SchedulerConfig config, double minSnrGamma, int samples)
        : this(device, config)
    {
        if (minSnrGamma == 0) return;
        var schedule = new NoiseSchedule(config);
        float[] shares =
            [.. Enumerable.Range(0, schedule.Count).Select(t => (float)(MinSnrWeight(schedule.Snr(t), minSnrGamma, _velocity) / samples))];
        (_samples, _shares) = (samples, _arena.From(shares, new Shape(shares.Length, 1)));
    }

    /// <summary>min(SNR, γ) times what the target's error counts in x_0: 1/SNR for the noise, 1/(SNR + 1) for the velocity.</summary>
    public static double MinSnrWeight(double snr, double gamma, bool velocity) => Math.Min(snr, gamma) / (velocity ? snr + 1 : snr);

    /// <summary>Only issues work.</summary>
    /// <param name="tape">The tape of the step.</param>
    /// <param name="unet">The network.</param>
    /// <param name="clean">x_0, <c>[N,H,W,C]</c>.</param>
    /// <param name="noise">Standard normal, shaped as <paramref name="clean"/>.</param>
    /// <param name="timesteps">I32 <c>[N]</c>; one outside the schedule makes the loss NaN.</param>
    /// <param name="text">Text embeddings <c>[N,L,D]</c>.</param>
    /// <returns>The weighted mean of the samples' mean squared errors, one element.</returns>
    /// <exception cref="ArgumentException">N is not that of the weighting, or a shape or type does not fit.</exception>
    public Tensor Loss(Tape tape, UNet2DConditionModel unet, Tensor clean, Tensor noise, Tensor timesteps, Tensor text)
    {
        int n = clean.Shape[0];
        if (_shares is not null && n != _samples)
        {
            throw new ArgumentException($"{n} samples are given where the weights are those of {_samples}", nameof(clean));
        }
        var noisy = tape.New(clean.Shape);
        var velocity = _velocity ? tape.New(clean.Shape) : null;
        Sampling.QSample(clean, noise, timesteps, _signal, _sigma, noisy, velocity);
        var prediction = unet.Forward(tape, noisy, timesteps, text);
        if (_shares is null) return tape.Mse(prediction, velocity ?? noise);
        var weights = tape.Embedding(timesteps, _shares).View(1, n);
        return tape.Linear(tape.MsePerSample(prediction, velocity ?? noise).View(1, n), weights, null);
    }

    public void Dispose() => _arena.Dispose();
}
