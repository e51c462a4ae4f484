namespace CudaAttribution.Models.Training;

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
/// <param name="Memory">What the device memory was for.</param>
public sealed record TrainResult(IReadOnlyList<float> Losses, int FirstStep, double Seconds, double PicturesPerSecond, MemoryPlan Memory);
