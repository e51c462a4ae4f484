using System.Runtime.InteropServices;
using CudaAttribution.Images;
using CudaAttribution.Models.Layers;
using CudaAttribution.Models.Training;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Models.Descriptors;

/// <summary>Views and loss of a step. View v of the picture at a place is drawn from a Philox stream of its own, named by step and place.</summary>
internal sealed class DescriptorStep : ITrainingStep
{
    private const int Views = 2, Pixels = 0, Groups = 1;

    private readonly SscdModel _model;
    private readonly TrainingSet _data;
    private readonly IAugmentation _augmentation;
    private readonly DescriptorObjective _objective;
    private readonly PictureInput _input;
    private readonly BatchBuffer _batch;
    private readonly ulong _seed;
    private readonly IDisposable? _owned;

    public DescriptorStep(
        SscdModel model, TrainingSet data, IAugmentation augmentation, DescriptorObjective objective, TrainOptions options, IDisposable? owned = null)
    {
        (_model, _data, _augmentation, _objective, _seed, _owned) = (model, data, augmentation, objective, options.Seed, owned);
        _input = new PictureInput(model.Config);
        int side = model.Config.ImageSize, rows = Views * options.BatchSize;
        _batch = new BatchBuffer(Parameters.Device, (DType.F32, new Shape(rows, side, side, 3)), (DType.I32, new Shape(rows)));
    }

    public ParameterSet Parameters => _model.Parameters;

    public int Items => _data.Count;

    public long InputBytes => _batch.Bytes;

    public void Upload(int step, ReadOnlySpan<int> items)
    {
        // A run that is only planned moves no data.
        if (Parameters.Device.IsPlanning) return;
        var pixels = MemoryMarshal.Cast<byte, float>(_batch.Host(Pixels));
        var groups = MemoryMarshal.Cast<byte, int>(_batch.Host(Groups));
        int row = 0, place = 0;
        foreach (byte[] picture in _data.Read(items.ToArray()))
        {
            var image = new RgbImage(_data.Width, _data.Height, picture);
            for (int view = 0; view < Views; view++, row++)
            {
                ulong number = (((ulong)step * (ulong)items.Length) + (ulong)place) * Views + (ulong)view;
                var draws = new PhiloxSequence(_seed, Philox.Stream("descriptor.view", number));
                _input.Write(_augmentation.Apply(image, draws.NextSingle), pixels.Slice(row * _input.Length, _input.Length));
                groups[row] = items[place];
            }
            place++;
        }
        _batch.Upload();
    }

    public Tensor Loss(Tape tape, MicroBatch batch)
    {
        int first = Views * batch.First, count = Views * batch.Count;
        var rows = _model.Forward(tape, _batch[Pixels].Rows(first, count), NetworkMode.Training);
        var similarities = tape.Linear(rows, rows, null);
        return tape.Contrastive(similarities, _batch[Groups].Rows(first, count), (float)_objective.Temperature, (float)_objective.Spread);
    }

    public void Dispose()
    {
        _batch.Dispose();
        _owned?.Dispose();
    }
}
