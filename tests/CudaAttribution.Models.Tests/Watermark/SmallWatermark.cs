using CudaAttribution.Models.Training;
using CudaAttribution.Models.Watermark;
using CudaAttribution.Tensors;

namespace CudaAttribution.Models.Tests.Watermark;

/// <summary>A watermark small enough to train within a test.</summary>
internal static class SmallWatermark
{
    public static readonly WatermarkConfig Config = new() { Size = 16, EncoderWidth = 8, DecoderWidths = [16, 32, 32] };

    public static WatermarkModel Model(ComputeDevice device, ulong seed = 5) => WatermarkModel.Create(Config, device, seed);

    public static TrainingSet Data => Tiny.Data(side: 16);

    public static TrainOptions Options(int steps, string? folder = null) => new()
    {
        Steps = steps, BatchSize = 12, LearningRate = 3e-3, EmaDecay = 0.9, Seed = 11, ReportInterval = 1, CheckpointFolder = folder,
        CheckpointInterval = folder is null ? 0 : 2, Resume = folder is not null,
    };
}
