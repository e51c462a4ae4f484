using CudaAttribution.Models.Diffusion;
using CudaAttribution.Tensors;

namespace CudaAttribution.Models.Training;

/// <summary>Batches of a training set: which pictures, timesteps and captions a step has is a function of (seed, step).</summary>
/// <remarks>
/// A step uploads at most twice, its numbers and its pixels. More copies would make the host wait for the step before: the driver stages them in two
/// buffers, and a third copy needs the first buffer back.
/// </remarks>
internal sealed class TrainingInputs : ITrainingInputs
{
    private readonly Arena _arena;
    private readonly CaptionEmbeddings _text;
    private readonly TrainingPictures _pictures;
    private readonly BatchPlan _plan;
    private readonly int[] _indices, _host;
    private readonly byte[] _hostPixels;
    private readonly Tensor _numbers, _timesteps, _captions, _clean;

    /// <summary>
    /// Embeds the captions and encodes the pictures, where the parts that do it are frozen; what a run before did of it is taken from the folder of
    /// the checkpoints.
    /// </summary>
    public TrainingInputs(DiffusionModel model, TrainingSet data, TrainOptions options)
    {
        _arena = new Arena(model.Device);
        _text = new CaptionEmbeddings(model, data.Captions, model.Use != ModelUse.TrainAll, options.CheckpointFolder);
        _pictures = new TrainingPictures(model, data, options.Seed, options.CheckpointFolder);
        model.Device.Pool.Trim(); // The sizes that encoding took are none that a step asks for.
        int n = options.BatchSize, columns = _text.Columns;
        _plan = new BatchPlan(options.Seed, data.Count, n, model.Scheduler.NumTrainTimesteps, options.CaptionDrop);
        _indices = new int[n];
        // Timesteps, captions, and the numbers of encoded pictures.
        _host = new int[n * (1 + columns + (_pictures.AreEncoded ? 1 : 0))];
        _numbers = _arena.New(new Shape(_host.Length), DType.I32);
        _timesteps = _numbers.Rows(0, n);
        _captions = _numbers.Rows(n, n * columns).View(n, columns);
        _hostPixels = _pictures.AreEncoded ? [] : new byte[checked(n * data.PictureBytes)];
        _clean = _pictures.AreEncoded
            ? _numbers.Rows(n * (1 + columns), n)
            : _arena.New(new Shape(n, data.Height, data.Width, 3), DType.U8);
    }

    public long Bytes => _text.Bytes + _pictures.Bytes + _numbers.Bytes + _hostPixels.Length;

    public void Upload(int step)
    {
        int n = _indices.Length, captions = n * _text.Columns;
        _plan.Timesteps(step, _host.AsSpan(0, n));
        _plan.Pictures(step, _indices);
        if (_pictures.AreEncoded) _indices.CopyTo(_host, n + captions);
        else
        {
            _pictures.Write(_indices, _hostPixels);
            _clean.CopyFrom<byte>(_hostPixels);
        }
        for (int i = 0; i < n; i++)
        {
            if (_plan.DropsCaption(step, i)) _indices[i] = -1;
        }
        _text.Write(_indices, _host.AsSpan(n, captions));
        _numbers.CopyFrom<int>(_host);
    }

    public Tensor Clean(Tape tape, int step, int first, int count) =>
        _pictures.Batch(tape, (long)step * _indices.Length + first, _clean.Rows(first, count));

    public Tensor Timesteps(int first, int count) => _timesteps.Rows(first, count);

    public Tensor Text(Tape tape, int first, int count) => _text.For(tape, _captions.Rows(first, count));

    public void Dispose()
    {
        _pictures.Dispose();
        _text.Dispose();
        _arena.Dispose();
    }
}
