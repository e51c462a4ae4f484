using CudaAttribution.Models.Training;
using CudaAttribution.Models.Vae;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Models.Watermark;

/// <summary>
/// Noise between encoder and decoder in training. The places of a batch are dealt to the kinds in runs of equal length, so that every step has all of
/// them.
/// </summary>
internal sealed class NoiseLayers : IDisposable
{
    private static readonly ulong NoiseStream = Philox.Stream("watermark.noise");

    private readonly Arena _arena;
    private readonly JpegCoder _jpeg;
    private readonly AutoencoderKL? _autoencoder;
    private readonly Tensor _byteStep;
    private readonly Tensor? _means;
    private readonly NoiseKind[] _kinds;
    private readonly Dictionary<(int Output, int Input, int Shift), Tensor> _picks = [];
    private readonly TrainOptions _options;
    private readonly float _deviation;

    /// <param name="device">Where it runs.</param>
    /// <param name="objective">Bounds.</param>
    /// <param name="autoencoder">What pictures go through as well; null for none.</param>
    /// <param name="options">Seed and batch.</param>
    public NoiseLayers(ComputeDevice device, WatermarkObjective objective, AutoencoderKL? autoencoder, TrainOptions options)
    {
        (_arena, _jpeg, _autoencoder, _options, _deviation) = (new Arena(device), new JpegCoder(device), autoencoder, options, (float)objective.NoiseDeviation);
        _kinds = KindsOf(autoencoder is not null);
        int micro = options.BatchSize / options.GradientAccumulation;
        _byteStep = _arena.New(new Shape(micro, 3));
        InPlace.Constant(_byteStep, 1f / 255);
        for (int first = 0; first < options.BatchSize; first += micro)
        {
            foreach (var run in Runs(new MicroBatch(0, first, micro)))
            {
                AddPick(run.Count, micro, run.First - first);
                AddPick(micro, run.Count, first - run.First);
            }
        }
        if (autoencoder is null) return;
        // The means of the moments are the first half of the channels.
        int latents = autoencoder.Config.LatentChannels;
        AddPick(latents, 2 * latents, 0);
        _means = _picks[(latents, 2 * latents, 0)];
    }

    /// <summary>Device memory.</summary>
    public long Bytes => _jpeg.Bytes + _byteStep.Bytes + _picks.Values.Sum(p => p.Bytes);

    /// <summary>The kinds in the order of the places of a batch.</summary>
    /// <param name="autoencoder">Whether there is an autoencoder.</param>
    public static NoiseKind[] KindsOf(bool autoencoder) => [.. Enum.GetValues<NoiseKind>().Where(k => autoencoder || k != NoiseKind.Autoencoder)];

    /// <summary>The kind of a place.</summary>
    public NoiseKind Kind(int place) => _kinds[(int)((long)place * _kinds.Length / _options.BatchSize)];

    /// <summary>Pictures as the decoder gets them; only issues work.</summary>
    /// <param name="tape">The tape of the step.</param>
    /// <param name="marked"><c>[N,H,W,3]</c> in [0, 1].</param>
    /// <param name="batch">Which places they are.</param>
    /// <param name="inputs">What was drawn for the step.</param>
    /// <returns><c>[N,H,W,3]</c>.</returns>
    public Tensor Apply(Tape tape, Tensor marked, MicroBatch batch, WatermarkInputs inputs)
    {
        var rounded = StraightThrough.Round(tape, marked, _byteStep);
        Tensor? all = null;
        foreach (var run in Runs(batch))
        {
            int first = run.First - batch.First;
            var part = Change(tape, Pick(tape, rounded, run.Count, first), run, inputs);
            var back = Pick(tape, part, batch.Count, -first);
            all = all is null ? back : tape.Add(all, back);
        }
        return all!;
    }

    public void Dispose()
    {
        _jpeg.Dispose();
        _arena.Dispose();
    }

    private Tensor Change(Tape tape, Tensor x, MicroBatch run, WatermarkInputs inputs)
    {
        switch (Kind(run.First))
        {
            case NoiseKind.Resize or NoiseKind.Move:
                return tape.MapAxis(tape.MapAxis(x, 1, inputs.Rows(run)), 2, inputs.Columns(run));
            case NoiseKind.Jpeg:
                var bytes = _byteStep.Rows(0, run.Count);
                var coded = StraightThrough.Apply(tape, x, (t, constant) => _jpeg.Apply(t, constant, inputs.Luma(run), inputs.Chroma(run)));
                return StraightThrough.Round(tape, coded, bytes);
            case NoiseKind.Gaussian:
                var noise = tape.New(x.Shape);
                RandomNumbers.Normal(noise, _options.Seed, NoiseStream, run.Before * (noise.Count / run.Count));
                return tape.Add(x, tape.Scale(noise, _deviation));
            case NoiseKind.Autoencoder:
                var moments = _autoencoder!.Encode(tape, WatermarkModel.Centred(tape, x));
                int pixels = checked((int)(moments.Count / moments.Shape[^1]));
                var means = tape.MapAxis(moments.View(1, pixels, moments.Shape[^1]), 2, _means!);
                var picture = _autoencoder.Decode(tape, means.View(moments.Shape[0], moments.Shape[1], moments.Shape[2], moments.Shape[3] / 2));
                return tape.Clamp(tape.Scale(tape.Offset(picture, 1), 0.5f), 0, 1);
            default:
                return x;
        }
    }

    /// <summary>The runs of one kind in a part of a batch.</summary>
    private IEnumerable<MicroBatch> Runs(MicroBatch batch)
    {
        int end = batch.First + batch.Count;
        for (int first = batch.First, next; first < end; first = next)
        {
            for (next = first + 1; next < end && Kind(next) == Kind(first);) next++;
            yield return new MicroBatch(batch.Before + first - batch.First, first, next - first);
        }
    }

    /// <summary>Samples shift, shift + 1, … of x, with their gradient; zeros where there is none.</summary>
    private Tensor Pick(Tape tape, Tensor x, int samples, int shift)
    {
        if (samples == x.Shape[0]) return x;
        var rows = x.View(1, x.Shape[0], checked((int)(x.Count / x.Shape[0])));
        return tape.MapAxis(rows, 1, _picks[(samples, x.Shape[0], shift)]).View([samples, .. x.Shape.AsSpan()[1..]]);
    }

    private void AddPick(int output, int input, int shift)
    {
        if (_picks.ContainsKey((output, input, shift))) return;
        var map = _arena.New(new Shape(1, output, input));
        _picks.Add((output, input, shift), map);
        if (map.Device.IsPlanning) return;
        var values = new float[output * input];
        for (int i = int.Max(0, -shift); i < output && i + shift < input; i++) values[(i * input) + i + shift] = 1;
        map.CopyFrom<float>(values);
    }
}
