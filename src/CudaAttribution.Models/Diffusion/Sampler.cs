using CudaAttribution.Models.Schedulers;
using CudaAttribution.Models.UNet;
using CudaAttribution.Runs;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Models.Diffusion;

/// <summary>
/// Text to pictures by DDIM or another solver with classifier-free guidance (Ho and Salimans 2022). Each picture depends on its request alone, bit
/// for bit: one by one or in batches of any size is the same.
/// </summary>
/// <remarks>The bits are those of the device's kernels; the oneDNN engine may round a batch of another size differently.</remarks>
public sealed class Sampler
{
    private readonly DiffusionModel _model;
    private readonly SampleOptions _options;
    private readonly SamplingPlan _plan;
    private readonly PictureCoder _coder;

    /// <exception cref="ArgumentException">An option makes no sense, or the steps do not fit the model's schedule.</exception>
    public Sampler(DiffusionModel model, SampleOptions options)
    {
        options.Validate();
        (_model, _options, _coder) = (model, options, new PictureCoder(model, options.Tile));
        _plan = SamplingPlan.Of(model.Scheduler, options.Solver, options.Steps, options.Eta, options.Strength);
    }

    private IReadOnlyList<SamplingStep> Steps => _plan.Steps;

    private bool Guided => _options.Guidance > 1;

    /// <summary>Makes the pictures, in the order of the requests.</summary>
    /// <exception cref="ArgumentException">A request does not fit the options; nothing was computed.</exception>
    /// <exception cref="NotFiniteNumberException">The model gave NaN or infinite values; the message names the prompt.</exception>
    public IReadOnlyList<SampledPicture> Sample(IReadOnlyList<SampleRequest> requests, Action<SampleProgress>? progress = null, CancellationToken cancel = default)
    {
        foreach (var request in requests) Check(request);
        var pictures = new List<SampledPicture>(requests.Count);
        int most = _options.MaxBatch ?? _model.DefaultBatch;
        for (int first = 0; first < requests.Count; first += most)
        {
            var batch = requests.Skip(first).Take(most).ToArray();
            using var arena = new Arena(_model.Device);
            var x = Batch(arena, batch, step =>
            {
                cancel.ThrowIfCancellationRequested();
                progress?.Invoke(new SampleProgress(first, requests.Count, step, Steps.Count));
            });
            pictures.AddRange(_coder.Decode(x, [.. batch.Select(r => r.Prompt)]));
        }
        progress?.Invoke(new SampleProgress(requests.Count, requests.Count, Steps.Count, Steps.Count));
        return pictures;
    }

    /// <summary>x_0 of a batch, <c>[N,H,W,C]</c>.</summary>
    private Tensor Batch(Arena arena, SampleRequest[] batch, Action<int> before)
    {
        var x = Start(arena, batch);
        var fresh = _options.Eta > 0 ? arena.New(x.Shape) : null;
        var text = Text(arena, batch);
        var memory = _plan.Multistep ? new SolverMemory(arena, x.Shape, _plan.Prediction) : null;
        Run(_model.UNet, x, text, Steps, _options.Guidance, memory, k =>
        {
            before(k);
            var noise = Steps[k].Sigma == 0 ? null : fresh;
            if (noise is not null) Noise(noise, batch, Philox.Stream($"sample.{_options.Purpose}.step", (ulong)k));
            return noise;
        });
        return x;
    }

    /// <summary>x_T of a batch: noise, or noise over the requests' pictures.</summary>
    private Tensor Start(Arena arena, SampleRequest[] batch)
    {
        var x = arena.New(_coder.Shape(batch.Length));
        Noise(x, batch, Philox.Stream($"sample.{_options.Purpose}"));
        if (_options.Strength is not null)
        {
            ulong stream = Philox.Stream($"sample.{_options.Purpose}.latent");
            var picture = _coder.Encode(arena, [.. batch.Select(r => r.InitialPicture!)], noise => Noise(noise, batch, stream));
            Sampling.DdimStep(x, picture, null, 1, (float)_plan.InitialNoise, (float)_plan.InitialPicture, 0, null, x);
        }
        else if (_plan.InitialNoise != 1) Elementwise.ScaleInto(x, (float)_plan.InitialNoise, x);
        return x;
    }

    /// <summary>All updates of <paramref name="x"/>, in place. What they need of the host is uploaded before the first.</summary>
    /// <param name="unet">The network.</param>
    /// <param name="x">x_T, <c>[N,H,W,C]</c>.</param>
    /// <param name="text">As <see cref="Step"/> takes it.</param>
    /// <param name="steps">The steps.</param>
    /// <param name="guidance">w.</param>
    /// <param name="memory">For a multistep solver.</param>
    /// <param name="before">Called before each step with its number; gives its fresh noise, or null where its σ is 0.</param>
    internal static void Run(
        UNet2DConditionModel unet, Tensor x, Tensor text, IReadOnlyList<SamplingStep> steps, double guidance, SolverMemory? memory = null,
        Func<int, Tensor?>? before = null)
    {
        using var arena = new Arena(x.Device);
        var timesteps = Timesteps(arena, steps.Select(s => s.Timestep), text.Shape[0]);
        for (int k = 0; k < steps.Count; k++) Step(unet, x, text, timesteps.Rows(k, 1).View(text.Shape[0]), steps[k], guidance, before?.Invoke(k), memory);
    }

    /// <summary>One update of <paramref name="x"/> in place; only issues work, so it can be recorded in a graph.</summary>
    /// <remarks>
    /// A recorded step keeps the factors of <paramref name="step"/> and <paramref name="guidance"/>, which are arguments of kernels; the timesteps,
    /// x, text, noise and memory are read from device memory at each replay. A multistep solver's first step does other work than its later ones.
    /// </remarks>
    /// <param name="unet">The network.</param>
    /// <param name="x">x_t, <c>[N,H,W,C]</c>.</param>
    /// <param name="text"><c>[N,L,D]</c>, or with guidance above 1 <c>[2N,L,D]</c>: the negative prompts, then the prompts.</param>
    /// <param name="timesteps">The step's timestep for each row of <paramref name="text"/>, I32 <c>[N]</c> or <c>[2N]</c>.</param>
    /// <param name="step">The step.</param>
    /// <param name="guidance">w.</param>
    /// <param name="noise">Fresh noise where the step's σ is not 0.</param>
    /// <param name="memory">The x̂0 of the update before, which is replaced by this one's; null for a one-step solver.</param>
    internal static void Step(
        UNet2DConditionModel unet, Tensor x, Tensor text, Tensor timesteps, in SamplingStep step, double guidance, Tensor? noise = null,
        SolverMemory? memory = null)
    {
        int n = x.Shape[0];
        bool guided = guidance > 1;
        using var tape = new Tape(x.Device, record: false);
        var output = unet.Forward(tape, guided ? Twice(tape, x) : x, timesteps, text);
        var (unconditional, conditional) = guided ? (output.Rows(0, n), output.Rows(n, n)) : (null, output);
        float w = guided ? (float)guidance : 1f;
        var data = memory?.Predict(tape, x, conditional, unconditional, w, step);
        bool remembers = step.Memory != 0;
        Sampling.DdimStep(
            x, conditional, unconditional, w, (float)step.Sample, (float)step.Output, (float)(remembers ? step.Memory : step.Sigma),
            remembers ? memory!.Data : noise, x);
        if (data is not null) memory!.Keep(data);
    }

    /// <summary>Fills row i with the numbers of the stream that belong to its request.</summary>
    private static void Noise(Tensor destination, SampleRequest[] batch, ulong stream)
    {
        long picture = destination.Count / batch.Length;
        for (int i = 0; i < batch.Length; i++) RandomNumbers.Normal(destination.Rows(i, 1), batch[i].Seed, stream, checked(batch[i].Index * picture));
    }

    /// <summary>Embeddings as the network takes them: those of the negative prompts before those of the prompts, where there is guidance.</summary>
    private Tensor Text(Arena arena, SampleRequest[] batch)
    {
        using var tape = new Tape(_model.Device, record: false);
        string[] prompts = [.. batch.Select(r => r.Prompt)], negatives = Guided ? [.. batch.Select(r => r.NegativePrompt).Distinct()] : [];
        var embedded = _model.EncodeText(tape, [.. prompts, .. negatives]);
        int n = batch.Length;
        var text = arena.New(new Shape(Guided ? 2 * n : n, embedded.Shape[1], embedded.Shape[2]));
        if (Guided)
        {
            for (int i = 0; i < n; i++) text.Rows(i, 1).CopyFrom(embedded.Rows(n + Array.IndexOf(negatives, batch[i].NegativePrompt), 1));
        }
        text.Rows(text.Shape[0] - n, n).CopyFrom(embedded.Rows(0, n));
        return text;
    }

    private void Check(in SampleRequest request)
    {
        if (!Guided && request.NegativePrompt.Length > 0)
        {
            throw new UserException(
                FormattableString.Invariant($"the negative prompt '{request.NegativePrompt}' has no effect with guidance {_options.Guidance}"),
                "Use a guidance above 1, or no negative prompt.");
        }
        if (_options.Strength is null != request.InitialPicture is null)
        {
            throw new ArgumentException(
                _options.Strength is null
                    ? $"the request '{request.Prompt}' has a picture to start from: say with which strength"
                    : $"the request '{request.Prompt}' has no picture to start from: with a strength every request needs one");
        }
        if (request.InitialPicture is { } picture) _coder.Check(picture);
    }

    private static Tensor Twice(Tape tape, Tensor x)
    {
        int n = x.Shape[0];
        var both = tape.New(new Shape(2 * n, x.Shape[1], x.Shape[2], x.Shape[3]));
        both.Rows(0, n).CopyFrom(x);
        both.Rows(n, n).CopyFrom(x);
        return both;
    }

    /// <summary>Timesteps for batches of one timestep each, I32 <c>[steps,rows]</c>, uploaded at once.</summary>
    internal static Tensor Timesteps(Arena arena, IEnumerable<int> timesteps, int rows)
    {
        int[] values = [.. timesteps.SelectMany(t => Enumerable.Repeat(t, rows))];
        return arena.From(values, new Shape(values.Length / rows, rows));
    }
}
