using System.Runtime.InteropServices;
using CudaAttribution.Models.Training;
using CudaAttribution.Tensors;

namespace CudaAttribution.Models.Watermark;

/// <summary>What a step of watermark training brings to the device: pictures, messages, and what its noise draws.</summary>
internal sealed class WatermarkInputs : IDisposable
{
    private const int PicturePart = 0, MessagePart = 1, RowPart = 2, ColumnPart = 3, LumaPart = 4, ChromaPart = 5;

    private readonly TrainingSet _data;
    private readonly NoiseDraws _draws;
    private readonly BatchBuffer _batch;

    public WatermarkInputs(ComputeDevice device, TrainingSet data, NoiseDraws draws, int batchSize)
    {
        (_data, _draws) = (data, draws);
        int size = data.Height;
        _batch = new BatchBuffer(
            device, (DType.U8, new Shape(batchSize, size, size, 3)), (DType.F32, new Shape(batchSize, WatermarkConfig.Bits)),
            (DType.F32, new Shape(batchSize, size, size)), (DType.F32, new Shape(batchSize, size, size)),
            (DType.F32, new Shape(batchSize, JpegCoder.LumaSteps)), (DType.F32, new Shape(batchSize, JpegCoder.ChromaSteps)));
    }

    /// <summary>Device memory.</summary>
    public long Bytes => _batch.Bytes;

    /// <summary>Draws for a step and sends all of it.</summary>
    /// <param name="step">Number of the step.</param>
    /// <param name="pictures">The picture at each place.</param>
    /// <param name="kind">The noise of a place.</param>
    public void Upload(int step, ReadOnlySpan<int> pictures, Func<int, NoiseKind> kind)
    {
        if (_batch[PicturePart].Device.IsPlanning) return;
        int next = 0;
        foreach (byte[] pixels in _data.Read(pictures.ToArray())) pixels.CopyTo(_batch.Host(PicturePart)[(next++ * pixels.Length)..]);
        for (int place = 0; place < pictures.Length; place++)
        {
            _draws.Message(step, place).Write(At(MessagePart, place));
            switch (kind(place))
            {
                case NoiseKind.Resize:
                    _draws.Resize(step, place, At(RowPart, place), At(ColumnPart, place));
                    break;
                case NoiseKind.Move:
                    _draws.Move(step, place, At(RowPart, place), At(ColumnPart, place));
                    break;
                case NoiseKind.Jpeg:
                    _draws.Jpeg(step, place, At(LumaPart, place), At(ChromaPart, place));
                    break;
            }
        }
        _batch.Upload();
    }

    /// <summary><c>[n,size,size,3]</c> U8.</summary>
    public Tensor Pictures(MicroBatch batch) => Part(PicturePart, batch);

    /// <summary><c>[n,32]</c>, 0 or 1.</summary>
    public Tensor Messages(MicroBatch batch) => Part(MessagePart, batch);

    /// <summary>Map of the rows <c>[n,size,size]</c> at places of resizes and moves.</summary>
    public Tensor Rows(MicroBatch batch) => Part(RowPart, batch);

    /// <summary>Map of the columns <c>[n,size,size]</c>.</summary>
    public Tensor Columns(MicroBatch batch) => Part(ColumnPart, batch);

    /// <summary>Steps of brightness <c>[n,64]</c> at places of JPEG.</summary>
    public Tensor Luma(MicroBatch batch) => Part(LumaPart, batch);

    /// <summary>Steps of the colours <c>[n,128]</c>.</summary>
    public Tensor Chroma(MicroBatch batch) => Part(ChromaPart, batch);

    public void Dispose() => _batch.Dispose();

    private Tensor Part(int part, MicroBatch batch) => _batch[part].Rows(batch.First, batch.Count);

    private Span<float> At(int part, int place)
    {
        var all = MemoryMarshal.Cast<byte, float>(_batch.Host(part));
        int each = (int)(_batch[part].Count / _batch[part].Shape[0]);
        return all.Slice(place * each, each);
    }
}
