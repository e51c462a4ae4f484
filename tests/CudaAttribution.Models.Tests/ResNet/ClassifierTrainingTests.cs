using System.Diagnostics;
using System.Globalization;
using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.Layers;
using CudaAttribution.Models.Training;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;
using CudaAttribution.Tensors.Weights;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests.ResNet;

/// <summary>A classifier with batch norm through the training loop: that it learns, and that neither a stop nor a kill changes a bit.</summary>
public class ClassifierTrainingTests : DeviceFixture
{
    [Test]
    public void TheClassesAreLearntAndToldApartInEvaluation()
    {
        using var task = new ClassifierTask(Device);
        using var training = new TrainingLoop(task, new TrainOptions { Steps = 150, BatchSize = 12, LearningRate = 3e-3, Seed = 11 });
        var result = training.Run();
        Assert.That(result.Losses.TakeLast(10).Average(), Is.LessThan(0.1 * result.Losses.Take(10).Average()));
        Assert.That(task.Parameters["bn1.num_batches_tracked"].ToArray<long>(), Is.EqualTo(new[] { 150L }));

        int pictures = ClassifierTask.Pixels.Length / (ClassifierTask.Side * ClassifierTask.Side * 3);
        using var tape = new Tape(Device, record: false);
        var shape = new Shape(pictures, ClassifierTask.Side, ClassifierTask.Side, 3);
        var x = tape.New(shape);
        PixelValues.FromPixels(tape.Arena.From(ClassifierTask.Pixels, shape), x);
        var logits = task.Network.Forward(tape, x, NetworkMode.Evaluation).ToArray<float>().Chunk(ClassifierTask.Classes);
        Assert.That(
            logits.Select(l => Array.IndexOf(l, l.Max())), Is.EqualTo(Enumerable.Range(0, pictures).Select(ClassifierTask.Label)));
    }

    /// <summary>
    /// Killed five times, each after a number of steps that is drawn, wherever it is then: between steps, in one, or while it writes a checkpoint.
    /// Weights, buffers, moments, average and losses are in the last checkpoint.
    /// </summary>
    [Test]
    public void KilledAndResumedIsNeverKilled()
    {
        Assert.That(Undisturbed(Folder["whole"]), Is.EqualTo(Enumerable.Range(1, KilledTraining.Steps)));
        var random = new Random(17);
        int resumed = 0;
        for (int kill = 0; kill < 5; kill++)
        {
            using var process = Start(Folder["killed"]);
            int first = 0, lines = random.Next(1, 7);
            for (int i = 0; i < lines; i++)
            {
                int step = int.Parse(process.StandardOutput.ReadLine()!, CultureInfo.InvariantCulture);
                if (i == 0) first = step;
            }
            process.Kill();
            process.WaitForExit();
            if (first > 1) resumed++;
        }
        int[] rest = Undisturbed(Folder["killed"]);
        Assert.That(resumed, Is.Positive, "no killed run was taken up again");
        Assert.That(rest[0], Is.GreaterThan(1));
        string last = $"step-{KilledTraining.Steps:D8}";
        using var whole = SafetensorsFile.Open(Folder["whole", last, "state.safetensors"]);
        using var killed = SafetensorsFile.Open(Folder["killed", last, "state.safetensors"]);
        Assert.That(killed.Weights, Is.EquivalentTo(whole.Weights));
        foreach (string name in whole.Weights.Keys) Assert.That(killed.ReadTensor(name).Bytes.SequenceEqual(whole.ReadTensor(name).Bytes), name);
        foreach (string kind in new[] { "weights.fc.weight", "weights.layer4.1.bn2.running_var", "weights.bn1.num_batches_tracked", "average.fc.bias" })
        {
            Assert.That(whole.Weights, Does.ContainKey(kind));
        }
        Assert.That(whole.Weights.Keys.Count(k => k.StartsWith("optimizer.", StringComparison.Ordinal)), Is.EqualTo(2 * 62 + 1));
        Assert.That(whole.ReadTensor("weights.bn1.num_batches_tracked").Values<long>()[0], Is.EqualTo(2 * KilledTraining.Steps));
    }

    [Test]
    public void ThePlanIsWhatTheRunReserves()
    {
        using var task = new ClassifierTask(Device);
        using var training = new TrainingLoop(task, KilledTraining.Options(Folder["c"]) with { Steps = 2 });
        var result = training.Run();
        Assert.That(Device.Pool.PeakReserved, Is.EqualTo(result.Memory.Total), result.Memory.ToString());
    }

    [Test]
    public void AnotherRunsCheckpointIsRefused()
    {
        var options = KilledTraining.Options(Folder["c"]) with { Steps = 2 };
        using (var task = new ClassifierTask(Device))
        {
            using var training = new TrainingLoop(task, options);
            training.Run();
        }
        using var trained = new ClassifierTask(Device);
        trained.Parameters["bn1.running_mean"].CopyFrom<float>([1, 2, 3, 4]);
        using var other = new TrainingLoop(trained, options);
        Assert.That(() => other.Run(), Throws.TypeOf<ModelFileException>().With.Message.Contains("start was"), "a buffer is a part of the start");
    }

    private static Process Start(string folder) => Process.Start(new ProcessStartInfo("dotnet", [typeof(KilledTraining).Assembly.Location, folder])
    {
        RedirectStandardOutput = true,
    })!;

    private static int[] Undisturbed(string folder)
    {
        using var process = Start(folder);
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.Zero);
        return [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => int.Parse(l, CultureInfo.InvariantCulture))];
    }
}
