using System.Runtime.InteropServices;
using CudaAttribution.Models.Diffusion;
using CudaAttribution.Tensors;

namespace CudaAttribution.Models.Training;

/// <summary>Batches of captioned pictures: which timesteps and captions a step has is a function of (seed, step).</summary>
internal sealed class DiffusionInputs : IDiffusionInputs
{
    private const int TimestepPart = 0, CaptionPart = 1, PicturePart = 2;

    private readonly CaptionEmbeddings _text;
    private readonly TrainingPictures _pictures;
    private readonly BatchBuffer _batch;
    private readonly DiffusionDraws _draws;
    private readonly int[] _captioned;

    /// <summary>
    /// Embeds the captions and encodes the pictures, where the parts that do it are frozen; what a run before did of it is taken from the folder of
    /// the checkpoints.
    /// </summary>
    public DiffusionInputs(DiffusionModel model, TrainingSet data, double captionDrop, TrainOptions options)
    {
        Pictures = data.Count;
        int n = options.BatchSize;
        _captioned = new int[n];
        _draws = new DiffusionDraws(options.Seed, n, model.Scheduler.NumTrainTimesteps, captionDrop);
        _text = new CaptionEmbeddings(model, data.Captions, model.Use != ModelUse.TrainAll, options.CheckpointFolder);
        try
        {
            _pictures = new TrainingPictures(model, data, options.Seed, options.CheckpointFolder);
            model.Device.Pool.Trim(); // The sizes that encoding took are none that a step asks for.
            _batch = new BatchBuffer(
                model.Device, (DType.I32, new Shape(n)), (_text.Type, [n, .. _text.Caption]), (_pictures.Type, [n, .. _pictures.Picture]));
        }
        catch
        {
            _pictures?.Dispose();
            _text.Dispose();
            throw;
        }
    }

    public int Pictures { get; }

    public long Bytes => _batch.Bytes;

    public void Upload(int step, ReadOnlySpan<int> pictures)
    {
        if (_batch[TimestepPart].Device.IsPlanning) return;
        _draws.Timesteps(step, MemoryMarshal.Cast<byte, int>(_batch.Host(TimestepPart)));
        for (int i = 0; i < pictures.Length; i++) _captioned[i] = _draws.DropsCaption(step, i) ? -1 : pictures[i];
        _text.Write(_captioned, _batch.Host(CaptionPart));
        _pictures.Write(pictures, _batch.Host(PicturePart));
        _batch.Upload();
    }

    public Tensor Clean(Tape tape, MicroBatch batch) => _pictures.Batch(tape, batch.Before, Rows(PicturePart, batch));

    public Tensor Timesteps(MicroBatch batch) => Rows(TimestepPart, batch);

    public Tensor Text(Tape tape, MicroBatch batch) => _text.For(tape, Rows(CaptionPart, batch));

    public void Dispose()
    {
        _batch.Dispose();
        _pictures.Dispose();
        _text.Dispose();
    }

    private Tensor Rows(int part, MicroBatch batch) => _batch[part].Rows(batch.First, batch.Count);
}
