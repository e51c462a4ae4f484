using System.CommandLine;
using CudaAttribution.Driver;
using CudaAttribution.GpuQueue;
using CudaAttribution.GpuQueue.Queue;
using CudaAttribution.GpuQueue.Running;
using CudaAttribution.GpuQueue.Steps;
using CudaAttribution.Tensors.Engines;

var device = new Option<string>("--device") { Description = "The GPU.", DefaultValueFactory = _ => "cuda:0", HelpName = "cuda:N" };
var math = new Option<string>("--math") { Description = "Engine of products and convolutions.", DefaultValueFactory = _ => "kernels", HelpName = "engine" };
var reduced = new Option<bool>("--reduced") { Description = "Small shapes and longer boxes: a rehearsal where a GPU is emulated." };
var queue = new Option<FileInfo>("--queue") { Description = "The queue of steps.", Required = true, HelpName = "gpu-queue.json" };
var golden = new Option<FileInfo>("--golden") { Description = "The bits of cpu, from 'gpu-queue golden'.", Required = true, HelpName = "golden.json" };

return Shell(new RootCommand(
    """
    gpu-queue uses a few minutes of a GPU to the full: steps in the order of their priority, each in a time box and a process of its own, every result
    on the disk as soon as it is known. It needs the NVIDIA driver and nothing else; PyTorch, compute-sanitizer and Nsight Compute are used where they
    are. Exit codes: 0 no step failed, 1 failed, 2 wrong usage, 3 a step failed or was cut off.
    """)
{
    Run(), Step(), Cases(), MakeGolden(), Table(),
});

Command Run()
{
    var folder = new Option<DirectoryInfo>("--out")
    {
        Description = $"Where results go: {ResultLog.FileName}, {ResultTable.FileName}, and {Archive.FileName} with these and all logs. "
            + "A run that was cut off goes on after the steps it has finished.",
        Required = true,
        HelpName = "folder",
    };
    var minutes = new Option<double>("--minutes") { Description = "All the time there is.", DefaultValueFactory = _ => 9, HelpName = "n" };
    var command = new Command("run", "Runs a queue. What does not fit into the time is named as not run.") { queue, golden, folder, device, minutes, reduced };
    command.SetAction(p =>
    {
        if (p.GetValue(minutes) is not (> 0 and <= 600)) throw new QueueException("--minutes must lie between 0 and 600");
        using var runner = new QueueRunner(new RunOptions(
            p.GetValue(queue)!.FullName, p.GetValue(golden)!.FullName, p.GetValue(folder)!.FullName, p.GetValue(device)!, p.GetValue(minutes), p.GetValue(reduced)));
        bool passed = runner.Run();
        Console.WriteLine();
        Console.Write(ResultTable.Of(ResultLog.Read(p.GetValue(folder)!.FullName), brief: true));
        return passed ? StepCode.Done : StepCode.CheckFailed;
    });
    return command;
}

Command Step()
{
    var name = new Argument<string>("name") { Description = "The step's name." };
    var seconds = new Option<double>("--seconds") { Description = "Time it should be done in.", DefaultValueFactory = _ => 60, HelpName = "s" };
    var results = new Option<DirectoryInfo>("--results") { Description = "Results of the steps before.", Required = true, HelpName = "folder" };
    var command = new Command("step", "Runs one step of a queue and prints its results, a JSON object a line.") { name, queue, golden, results, device, seconds, reduced };
    command.SetAction(p =>
    {
        var step = QueueFile.Read(p.GetValue(queue)!.FullName).Queue.Find(p.GetValue(name)!);
        var context = new StepContext(
            step, p.GetValue(device)!, p.GetValue(seconds), p.GetValue(reduced), p.GetValue(golden)!.FullName, p.GetValue(results)!.FullName);
        try
        {
            return StepKinds.Of(step.Kind).Run(context);
        }
        catch (NativeLibraryException e) when (step.Engine == MathLibraries.CublasCudnn)
        {
            Console.Error.WriteLine(e.Message.ReplaceLineEndings(" "));
            return StepCode.Skipped;
        }
    });
    return command;
}

Command Cases()
{
    var bench = new Option<bool>("--bench") { Description = "The benchmark's cases instead of the audit's." };
    var kernels = new Option<string[]>("--kernel")
    {
        Description = "Only the largest case that launches this kernel; several allowed.",
        DefaultValueFactory = _ => [],
        HelpName = "name",
    };
    var command = new Command("cases", "Runs cases once and prints nothing: for a sanitizer or a profiler.") { device, math, bench, kernels };
    command.SetAction(p => CasesRun.Run(p.GetValue(device)!, p.GetValue(math)!, p.GetValue(bench), p.GetValue(kernels)!));
    return command;
}

Command MakeGolden()
{
    var file = new Option<FileInfo>("--out") { Description = "The file to write.", Required = true, HelpName = "golden.json" };
    var command = new Command("golden", "Computes the bits that cpu leaves for every case, for the parity steps.") { file, reduced };
    command.SetAction(p =>
    {
        var bits = Golden.Compute(p.GetValue(reduced), (done, all) =>
        {
            if (done % 20 == 0 || done == all) Console.Error.WriteLine($"{done} of {all} cases on cpu");
        });
        QueueJson.Write(p.GetValue(file)!.FullName, bits);
        return StepCode.Done;
    });
    return command;
}

Command Table()
{
    var folder = new Argument<DirectoryInfo>("folder") { Description = "Results of a run." };
    var command = new Command("table", "Prints the results of a run as Markdown.") { folder };
    command.SetAction(p =>
    {
        var results = ResultLog.Read(p.GetValue(folder)!.FullName);
        if (results.Count == 0) throw new QueueException($"{p.GetValue(folder)} has no {ResultLog.FileName} with results");
        Console.Write(ResultTable.Of(results));
        return StepCode.Done;
    });
    return command;
}

int Shell(RootCommand root)
{
    var parsed = root.Parse(args);
    if (parsed.Errors.Count > 0)
    {
        foreach (var error in parsed.Errors) Console.Error.WriteLine($"gpu-queue: {error.Message}");
        Console.Error.WriteLine("See 'gpu-queue --help'.");
        return StepCode.WrongUsage;
    }
    try
    {
        return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
    }
    catch (Exception e) when (e is QueueException or DeviceException or NativeLibraryException or ArgumentException or IOException or UnauthorizedAccessException)
    {
        // One line: the last one is what a step's end says of it.
        Console.Error.WriteLine($"gpu-queue: {string.Join(" | ", e.Message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))}");
        return StepCode.Failed;
    }
}
