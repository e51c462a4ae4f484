using CudaAttribution.Models.Diffusion;
using CudaAttribution.Tensors;

namespace CudaAttribution.Models.Training;

/// <summary>Batches of captioned pictures: which timesteps and captions a step has is a function of (seed, step).</summary>
/// <remarks>
/// A step uploads at most twice, its numbers and its pixels. More copies would make the host wait for the step before: the driver stages them in two
/// buffers, and a third copy needs the first buffer back.
/// </remarks>
internal sealed class DiffusionInputs : IDiffusionInputs
{
    private readonly Arena _arena;
    private readonly CaptionEmbeddings _text;
    private readonly TrainingPictures _pictures;
    private readonly DiffusionDraws _draws;
    private readonly int[] _captioned, _host;
    private readonly byte[] _hostPixels;
    private readonly Tensor _numbers, _timesteps, _captions, _clean;

    /// <summary>
    /// Embeds the captions and encodes the pictures, where the parts that do it are frozen; what a run before did of it is taken from the folder of
    /// the checkpoints.
    /// </summary>
    public DiffusionInputs(DiffusionModel model, TrainingSet data, double captionDrop, TrainOptions options)
    {
        (Pictures, _arena) = (data.Count, new Arena(model.Device));
        _text = new CaptionEmbeddings(model, data.Captions, model.Use != ModelUse.TrainAll, options.CheckpointFolder);
        _pictures = new TrainingPictures(model, data, options.Seed, options.CheckpointFolder);
        model.Device.Pool.Trim(); // The sizes that encoding took are none that a step asks for.
        int n = options.BatchSize, columns = _text.Columns;
        _draws = new DiffusionDraws(options.Seed, n, model.Scheduler.NumTrainTimesteps, captionDrop);
        _captioned = new int[n];
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

    public int Pictures { get; }

    public long Bytes => _text.Bytes + _pictures.Bytes + _numbers.Bytes + _hostPixels.Length;

    public void Upload(int step, ReadOnlySpan<int> pictures)
    {
        int n = pictures.Length, captions = n * _text.Columns;
        _draws.Timesteps(step, _host.AsSpan(0, n));
        if (_pictures.AreEncoded) pictures.CopyTo(_host.AsSpan(n + captions));
        else
        {
            _pictures.Write(pictures, _hostPixels);
            _clean.CopyFrom<byte>(_hostPixels);
        }
        for (int i = 0; i < n; i++) _captioned[i] = _draws.DropsCaption(step, i) ? -1 : pictures[i];
        _text.Write(_captioned, _host.AsSpan(n, captions));
        _numbers.CopyFrom<int>(_host);
    }

    public Tensor Clean(Tape tape, MicroBatch batch) => _pictures.Batch(tape, batch.Before, _clean.Rows(batch.First, batch.Count));

    public Tensor Timesteps(MicroBatch batch) => _timesteps.Rows(batch.First, batch.Count);

    public Tensor Text(Tape tape, MicroBatch batch) => _text.For(tape, _captions.Rows(batch.First, batch.Count));

    public void Dispose()
    {
        _pictures.Dispose();
        _text.Dispose();
        _arena.Dispose();
    }
}
