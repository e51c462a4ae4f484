namespace CudaAttribution.Models;

/// <summary>Where a training run stands.</summary>
/// <param name="Step">Steps done, those before a resume included.</param>
/// <param name="Steps">Steps in all.</param>
/// <param name="Loss">Mean loss since the last report.</param>
/// <param name="PicturesPerSecond">Speed since this run began.</param>
/// <param name="Remaining">Time left at that speed.</param>
public readonly record struct TrainProgress(int Step, int Steps, double Loss, double PicturesPerSecond, TimeSpan Remaining);

/// <summary>What a training run leaves besides the model.</summary>
/// <param name="Losses">Loss of every step, those before a resume included.</param>
/// <param name="FirstStep">First step that this run computed; more than 0 after a resume.</param>
/// <param name="Seconds">Duration of this run.</param>
/// <param name="PicturesPerSecond">Speed of this run.</param>
/// <param name="Memory">Where the device memory went.</param>
public sealed record TrainResult(IReadOnlyList<float> Losses, int FirstStep, double Seconds, double PicturesPerSecond, MemoryPlan Memory);

/// <summary>Device memory of a training run in bytes.</summary>
/// <param name="Weights">The model, also the part that is not trained.</param>
/// <param name="Gradients">Gradients of the trained part.</param>
/// <param name="Optimizer">First and second moments.</param>
/// <param name="Average">The running average of the weights.</param>
/// <param name="Inputs">What frozen parts made of the training set once: embedded captions, encoded pictures.</param>
/// <param name="Step">Activations, their gradients and inputs of a step: measured, 0 before the first one.</param>
public sealed record MemoryPlan(long Weights, long Gradients, long Optimizer, long Average, long Inputs, long Step)
{
    public long Total => Weights + Gradients + Optimizer + Average + Inputs + Step;
}
