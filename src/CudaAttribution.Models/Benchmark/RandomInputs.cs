using CudaAttribution.Models.Training;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Models.Benchmark;

/// <summary>Training inputs of a UNet alone: normal x_0 and text embeddings that stay, and uniform timesteps that a step uploads.</summary>
internal sealed class RandomInputs : IDiffusionInputs
{
    private static readonly ulong CleanStream = Philox.Stream("bench.clean");

    private readonly Arena _arena;
    private readonly DiffusionDraws _draws;
    private readonly int[] _host;
    private readonly Tensor _clean, _text, _timesteps;

    public RandomInputs(BenchModel model, TrainOptions options)
    {
        int n = options.BatchSize;
        var config = model.UNet.Config;
        _arena = new Arena(model.Device);
        _draws = new DiffusionDraws(options.Seed, n, model.Scheduler.NumTrainTimesteps, captionDrop: 0);
        _clean = _arena.New(new Shape(n, config.SampleSize, config.SampleSize, config.InChannels));
        RandomNumbers.Normal(_clean, options.Seed, CleanStream);
        _text = model.Text(_arena, n);
        _host = new int[n];
        _timesteps = _arena.New(new Shape(n), DType.I32);
    }

    public int Pictures => _host.Length;

    public long Bytes => _clean.Bytes + _text.Bytes + _timesteps.Bytes;

    public void Upload(int step, ReadOnlySpan<int> pictures)
    {
        _draws.Timesteps(step, _host);
        _timesteps.CopyFrom<int>(_host);
    }

    public Tensor Clean(Tape tape, MicroBatch batch) => _clean.Rows(batch.First, batch.Count);

    public Tensor Timesteps(MicroBatch batch) => _timesteps.Rows(batch.First, batch.Count);

    public Tensor Text(Tape tape, MicroBatch batch) => _text.Rows(batch.First, batch.Count);

    public void Dispose() => _arena.Dispose();
}
