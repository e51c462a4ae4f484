using System.Globalization;
using CudaAttribution.Models.Training;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Models.Tests.ResNet;

/// <summary>The training that a test kills: a process of its own, which says on its standard output how far it is.</summary>
internal static class KilledTraining
{
    public const int Steps = 30;

    public static TrainOptions Options(string folder) => new()
    {
        Steps = Steps, BatchSize = 8, GradientAccumulation = 2, LearningRate = 3e-3, WarmupSteps = 4, EmaDecay = 0.9, Seed = 11, ReportInterval = 1,
        Groups = [ParameterGroup.GainsAndBiasesWithoutDecay], CheckpointInterval = 2, CheckpointFolder = folder, Resume = true,
    };

    public static int Run(string[] args)
    {
        using var device = ComputeDevice.Open("cpu");
        using var task = new ClassifierTask(device);
        using var training = new TrainingLoop(task, Options(args[0]));
        training.Run(p => Console.Out.WriteLine(p.Step.ToString(CultureInfo.InvariantCulture)));
        return 0;
    }
}
