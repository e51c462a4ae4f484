using CudaAttribution.Models.Schedulers;
using CudaAttribution.Runs;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Models.Diffusion;

/// <summary>How to invert.</summary>
public sealed record InversionOptions
{
    /// <summary>Steps there, and as many back.</summary>
    public int Steps { get; init; } = 50;

    /// <summary>
    /// Fixed-point repeats of each step of the inversion; each takes one more evaluation of the network. 3 to 5 tighten the round trip.
    /// </summary>
    public int FixedPoint { get; init; }

    /// <summary>As <see cref="SampleOptions.MaxBatch"/>.</summary>
    public int? MaxBatch { get; init; }

    /// <summary>As <see cref="SampleOptions.Tile"/>.</summary>
    public int? Tile { get; init; }

    /// <summary>Evaluations of the network for a picture.</summary>
    public int Evaluations => checked(Steps * (2 + FixedPoint));

    /// <exception cref="UserException">A value makes no sense; the message names it.</exception>
    internal void Validate()
    {
        if (FixedPoint is < 0 or > 100) throw new UserException($"there are {FixedPoint} fixed-point repeats", "Use 0 to 100.") { Setting = "fixed-point" };
        if (MaxBatch < 1) throw new UserException($"a batch has {MaxBatch} pictures", "It must have at least one.");
    }
}

/// <summary>A picture to invert.</summary>
/// <param name="Picture"><c>[H,W,3]</c> of the model's size.</param>
/// <param name="Prompt">What the model is told it shows; may be empty.</param>
public readonly record struct InversionRequest(byte[] Picture, string Prompt);

/// <summary>What inversion gives for a picture.</summary>
/// <param name="Noise">x_T, row-major <c>[h,w,C]</c>.</param>
/// <param name="Reconstruction">The picture that DDIM makes of it.</param>
public sealed record InvertedPicture(float[] Noise, SampledPicture Reconstruction);

/// <summary>
/// Picture to noise by DDIM inversion without guidance, and back by DDIM (Song et al. 2021, section 4.3). With an autoencoder x_0 is the mean of its
/// posterior. No random number is used; each picture depends on its request alone, bit for bit.
/// </summary>
public sealed class DdimInverter
{
    private readonly DiffusionModel _model;
    private readonly InversionOptions _options;
    private readonly PictureCoder _coder;
    private readonly IReadOnlyList<InversionStep> _there;
    private readonly IReadOnlyList<SamplingStep> _back;

    /// <exception cref="UserException">An option makes no sense, or the steps do not fit the model's schedule.</exception>
    public DdimInverter(DiffusionModel model, InversionOptions options)
    {
        options.Validate();
        (_model, _options, _coder) = (model, options, new PictureCoder(model, options.Tile));
        _there = DdimInversion.Steps(model.Scheduler, options.Steps);
        _back = DdimScheduler.Steps(model.Scheduler, options.Steps);
    }

    /// <summary>Inverts and reconstructs, in the order of the requests.</summary>
    /// <param name="requests">The pictures.</param>
    /// <param name="progress">Gets the pictures done, and the evaluations of the network done for those under way.</param>
    /// <param name="cancel">Stops before the next evaluation.</param>
    /// <exception cref="ArgumentException">A picture has another size than the model's; nothing was computed.</exception>
    /// <exception cref="NotFiniteNumberException">The model gave NaN or infinite values; the message names the prompt.</exception>
    public IReadOnlyList<InvertedPicture> Run(
        IReadOnlyList<InversionRequest> requests, Action<SampleProgress>? progress = null, CancellationToken cancel = default)
    {
        foreach (var request in requests) _coder.Check(request.Picture);
        var inverted = new List<InvertedPicture>(requests.Count);
        int most = _options.MaxBatch ?? _model.DefaultBatch;
        for (int first = 0; first < requests.Count; first += most)
        {
            var batch = requests.Skip(first).Take(most).ToArray();
            int evaluation = 0;
            string[] prompts = [.. batch.Select(r => r.Prompt)];
            using var tape = new Tape(_model.Device, record: false);
            var text = _model.EncodeText(tape, prompts);
            var x = _coder.Encode(tape.Arena, [.. batch.Select(r => r.Picture)], noise: null);
            Invert(tape.Arena, x, text, Before);
            float[][] noise = [.. prompts.Select((prompt, i) => Finite(x.Rows(i, 1).ToArray<float>(), prompt))];
            Sampler.Run(_model.UNet, x, text, _back, guidance: 1, before: _ =>
            {
                Before();
                return null;
            });
            inverted.AddRange(noise.Zip(_coder.Decode(x, prompts), (n, picture) => new InvertedPicture(n, picture)));

            void Before()
            {
                cancel.ThrowIfCancellationRequested();
                progress?.Invoke(new SampleProgress(first, requests.Count, evaluation++, _options.Evaluations));
            }
        }
        progress?.Invoke(new SampleProgress(requests.Count, requests.Count, _options.Evaluations, _options.Evaluations));
        return inverted;
    }

    /// <summary>x_0 to x_T, in place.</summary>
    private void Invert(Arena arena, Tensor x, Tensor text, Action before)
    {
        var from = arena.New(x.Shape);
        int n = x.Shape[0];
        var timesteps = Sampler.Timesteps(arena, _there.Select(s => s.Timestep), n);
        for (int k = 0; k < _there.Count; k++)
        {
            var (step, t) = (_there[k], timesteps.Rows(k, 1).View(n));
            from.CopyFrom(x);
            Estimate(step.Sample, step.Output);
            for (int repeat = 0; repeat < _options.FixedPoint; repeat++) Estimate(step.RepeatSample, step.RepeatOutput);

            // x = sample·from + output·o(x), o for the x of before.
            void Estimate(double sample, double output)
            {
                before();
                using var tape = new Tape(x.Device, record: false);
                var o = _model.UNet.Forward(tape, x, t, text);
                Sampling.DdimStep(from, o, null, 1, (float)sample, (float)output, 0, null, x);
            }
        }
    }

    private float[] Finite(float[] noise, string prompt)
    {
        foreach (float value in noise)
        {
            if (float.IsFinite(value)) continue;
            throw new NotFiniteNumberException(
                $"inversion gave {value} for the prompt '{prompt}': "
                + (_options.FixedPoint > 0 ? "use fewer fixed-point repeats or more steps" : "use more steps, or see whether the model samples"));
        }
        return noise;
    }
}
