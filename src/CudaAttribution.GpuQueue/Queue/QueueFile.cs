using System.Security.Cryptography;
using System.Text.Json.Serialization;
using CudaAttribution.Models.Benchmark;
using CudaAttribution.Tensors.Engines;

namespace CudaAttribution.GpuQueue.Queue;

/// <summary>What a step does; each kind is a class in <c>Steps/</c>.</summary>
internal enum StepKind
{
    /// <summary>Device, driver, clocks, load times, measured ceilings.</summary>
    Facts,

    /// <summary>Every kernel against the bits of <c>cpu</c> and against float64, outputs poisoned, twice.</summary>
    Parity,

    /// <summary>Another engine at the benchmark's shapes: right first, then timed beside ours.</summary>
    Variants,

    /// <summary>Every case of the benchmark with one engine, beside the ceilings.</summary>
    Kernels,

    /// <summary>Training and guided sampling steps of a model with random weights.</summary>
    Model,

    /// <summary>Pixel distances of many pictures.</summary>
    Distance,

    /// <summary>The same steps in PyTorch on the same card.</summary>
    Pytorch,

    /// <summary>compute-sanitizer over the smallest cases.</summary>
    Sanitizer,

    /// <summary>Hardware counters of the kernels that took most time.</summary>
    Counters,
}

/// <summary>One step of a queue.</summary>
/// <param name="Name">Its name, unique in the queue.</param>
/// <param name="Kind">What it does.</param>
/// <param name="Priority">Steps run in ascending order; those of equal priority in the order of the file.</param>
/// <param name="Seconds">Its box: it is stopped after this much time.</param>
internal sealed record QueueStep(string Name, StepKind Kind, int Priority, int Seconds)
{
    /// <summary>With less time than this left it is not begun; null for the whole box.</summary>
    public int? Least { get; init; }

    /// <summary>Engine of products and convolutions; null for <c>kernels</c>.</summary>
    public string? Math { get; init; }

    /// <summary>Only ops whose name contains it.</summary>
    public string? Op { get; init; }

    /// <summary>A name of <see cref="UNetPreset.Names"/>.</summary>
    public string? Model { get; init; }

    /// <summary><c>sampling</c> or <c>training</c>.</summary>
    public string? Part { get; init; }

    /// <summary>Pictures computed together.</summary>
    public int? Batch { get; init; }

    /// <summary>Steps of a model that are timed; null for 10.</summary>
    public int? Repeats { get; init; }

    /// <summary>The sanitizer's tool.</summary>
    public string? Tool { get; init; }

    [JsonIgnore]
    public string Engine => Math ?? MathLibraries.Kernels;

    /// <summary>The settings that are given.</summary>
    [JsonIgnore]
    public IEnumerable<string> Given => new (string Name, object? Value)[]
    {
        ("math", Math), ("op", Op), ("model", Model), ("part", Part), ("batch", Batch), ("repeats", Repeats), ("tool", Tool),
    }.Where(s => s.Value is not null).Select(s => s.Name);
}

/// <summary>A queue of steps as the file <c>kernels/gpu-queue.json</c> holds it.</summary>
/// <param name="Format">1.</param>
/// <param name="Steps">The steps.</param>
internal sealed record QueueFile(int Format, IReadOnlyList<QueueStep> Steps)
{
    /// <summary>Reads and checks a queue; the steps are in the order in which they run.</summary>
    /// <returns>The queue and the SHA-256 of its file.</returns>
    /// <exception cref="QueueException">It cannot be read, or a step makes no sense; the message names the step.</exception>
    public static (QueueFile Queue, string Sha256) Read(string file)
    {
        var queue = QueueJson.Read<QueueFile>(file, "queue");
        if (queue.Format != 1) throw new QueueException($"{file} has format {queue.Format}, this program reads format 1");
        foreach (var step in queue.Steps)
        {
            if (Problem(step) is { } problem) throw new QueueException($"{file}, step '{step.Name}': {problem}");
        }
        if (queue.Steps.GroupBy(s => s.Name).FirstOrDefault(g => g.Count() > 1) is { } twice)
        {
            throw new QueueException($"{file} has {twice.Count()} steps named '{twice.Key}'");
        }
        string hash = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(file)));
        return (queue with { Steps = [.. queue.Steps.OrderBy(s => s.Priority)] }, hash);
    }

    /// <exception cref="QueueException">There is no such step.</exception>
    public QueueStep Find(string name) => Steps.FirstOrDefault(s => s.Name == name)
        ?? throw new QueueException($"the queue has no step '{name}': use one of {string.Join(", ", Steps.Select(s => s.Name))}");

    /// <summary>What a kind of step looks at.</summary>
    private static string[] Settings(StepKind kind) => kind switch
    {
        StepKind.Parity or StepKind.Variants or StepKind.Kernels => ["math", "op"],
        StepKind.Model => ["math", "model", "part", "batch", "repeats"],
        StepKind.Pytorch => ["model", "part", "batch"],
        StepKind.Sanitizer => ["math", "tool"],
        _ => [],
    };

    private static string? Problem(QueueStep s)
    {
        if (s.Name.Length == 0 || s.Name.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('-' or '.'))) return "a name is letters, digits, '-' and '.'";
        if (s.Seconds is < 1 or > 3600) return $"its box is {s.Seconds} s, it must be 1 to 3600";
        if (s.Least is { } least && (least < 1 || least > s.Seconds)) return $"least is {least} s, it must be 1 to its box, {s.Seconds}";
        if (s.Batch is < 1) return $"batch is {s.Batch}, it must be at least 1";
        if (s.Repeats is < 1) return $"repeats is {s.Repeats}, it must be at least 1";
        if (s.Given.FirstOrDefault(name => !Settings(s.Kind).Contains(name)) is { } idle) return $"{idle} has no effect on a step of this kind";
        if (MathLibraries.All.All(e => e.Name != s.Engine)) return $"math must be one of {string.Join(", ", MathLibraries.All.Select(e => e.Name))}";
        if (s.Model is not null && !UNetPreset.Names.Contains(s.Model)) return $"model must be one of {string.Join(", ", UNetPreset.Names)}";
        return s.Kind switch
        {
            StepKind.Model or StepKind.Pytorch when s.Model is null || s.Batch is null => "it needs model and batch",
            StepKind.Model or StepKind.Pytorch when s.Part is not ("sampling" or "training") => "part must be sampling or training",
            StepKind.Sanitizer when s.Tool is not ("memcheck" or "racecheck" or "synccheck" or "initcheck") =>
                "tool must be memcheck, racecheck, synccheck or initcheck",
            StepKind.Variants when s.Engine == MathLibraries.Kernels => "math must name another engine than kernels",
            _ => null,
        };
    }
}
