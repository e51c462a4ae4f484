using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using CudaAttribution.Cli.Options;
using CudaAttribution.Cli.Running;
using CudaAttribution.Experiments.Units;
using CudaAttribution.Ledger;
using CudaAttribution.Runs.Units;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;

namespace CudaAttribution.Cli.Commands;

/// <summary><c>cudattr unit run</c>.</summary>
internal static class UnitRunCommand
{
    private const string Description =
    """
    Computes units. Alone, it computes this one unit in this process, as workers do; everything it is made from must be there, and where another process
    computes it already, it waits for that one.
    With --jobs it computes the units and all that they need, each in a process of its own, so many at a time; with --slurm as array jobs of a cluster
    whose nodes see the store and this program. A unit that fails takes those with it that are made from it, the others go on, and what it said is in
    log.txt of its folder. Ctrl+C stops all workers. The results get a row in the ledger.
    """;

    private static readonly TimeSpan LineInterval = TimeSpan.FromMilliseconds(250);

    public static Command Create()
    {
        var ids = new Argument<string[]>("id") { Description = "Ids of units or their first digits.", Arity = ArgumentArity.OneOrMore };
        var store = UnitCommand.Store();
        var jobs = new Option<int?>("--jobs") { Description = "Workers at a time: as many as fit into the cores and the memory.", HelpName = "n" };
        var slurm = new Option<bool>("--slurm") { Description = "Have a Slurm cluster run them." };
        var sbatch = new Option<string[]>("--sbatch")
        {
            Description = "With --slurm: an argument of sbatch, such as --sbatch=--gpus=1 or --sbatch=--time=60; several allowed.",
            HelpName = "argument",
        };
        var (device, threads, ledger, json) = (CommonOptions.Device(), CommonOptions.Threads(), CommonOptions.Ledger(), CommonOptions.Json());
        json.Description = "Print what was done as JSON on standard output; of one unit in this process a line for each progress too.";
        var command = new Command("run", Description) { ids, store, jobs, slurm, sbatch, device, threads, ledger, json };
        command.Validators.Add(result =>
        {
            if (result.GetValue(jobs) is < 1) result.AddError("--jobs must be at least 1");
            if (result.GetValue(jobs) is not null && result.GetValue(slurm)) result.AddError("--jobs and --slurm exclude one another");
            if (result.GetValue(sbatch) is { Length: > 0 } && !result.GetValue(slurm)) result.AddError("--sbatch needs --slurm");
            if (result.GetValue(ids) is { Length: > 1 } && result.GetValue(jobs) is null && !result.GetValue(slurm))
                result.AddError("several units need --jobs or --slurm");
        });
        command.SetAction(parsed =>
        {
            var units = UnitStore.Open(parsed.GetValue(store)!.FullName);
            string[] asked = [.. parsed.GetValue(ids)!.Select(i => WorkUnit.IsId(i) ? i : units.Resolve(i))];
            string on = parsed.GetValue(device)!;
            int? threadsEach = parsed.GetValue(threads);
            if (parsed.GetValue(slurm))
            {
                var options = new SlurmOptions { Arguments = parsed.GetValue(sbatch) ?? [] };
                return RunAll(
                    units, asked, new SlurmRunner(units, Worker(units, on, threadsEach), options), parsed.GetValue(ledger)!, parsed.GetValue(json));
            }
            if (parsed.GetValue(jobs) is not { } n) return RunOne(units, asked[0], on, threadsEach, parsed.GetValue(json));
            // Workers side by side share the processors: threads that wait for one another are slower than few.
            var worker = Worker(units, on, threadsEach ?? (on == "cpu" || on == "simt" ? Math.Max(1, Environment.ProcessorCount / n) : null));
            return RunAll(units, asked, new LocalRunner(units, worker, n), parsed.GetValue(ledger)!, parsed.GetValue(json));
        });
        return command;
    }

    private static int RunOne(UnitStore store, string id, string device, int? threads, bool json)
    {
        using var cancelKey = new CancelKey();
        using var lines = new WorkerOutput(Console.Out, LineInterval);
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(cancelKey.Token, lines.Unread);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            context.Cancel = true;
            cancel.Cancel();
        });
        using var view = new UnitProgressView(many: false);
        using var devices = new UnitDevices(math => ComputeDevice.Open(device, math, threads: threads));
        var worker = new UnitWorker(store, ExperimentKinds.All(devices));
        var outcome = worker.Run(id, json ? lines : view, cancel.Token);
        if (json) lines.Finish(outcome);
        else Console.WriteLine($"{(outcome == UnitOutcome.Computed ? "computed" : "was there")}: {store.ResultOf(id)}");
        return Shell.Done;
    }

    private static int RunAll(UnitStore store, string[] ids, IRunner runner, FileInfo ledger, bool json)
    {
        using var cancel = new CancelKey();
        var graph = store.GraphOf(ids);
        RunnerResult result;
        using (var view = new UnitProgressView(many: true)) result = runner.RunAsync(graph, view, cancel.Token).GetAwaiter().GetResult();
        using (var runs = RunLedger.Open(ledger.FullName))
            foreach (string id in ids.Where(store.IsFinished)) runs.Add(store.ResultOf(id), store.ManifestOf(id));
        if (json) Shell.WriteJson(result.Units.Select(u => new { id = u.Unit, ending = Word(u.Ending), reason = u.Reason }));
        else Print(store, result);
        return result.IsComplete ? Shell.Done : Shell.Failed;
    }

    private static void Print(UnitStore store, RunnerResult result)
    {
        var counts = Enum.GetValues<UnitEnding>().Select(e => (Ending: e, Count: result.Count(e))).Where(c => c.Count > 0);
        Console.WriteLine($"{result.Units.Count} units: {string.Join(", ", counts.Select(c => $"{c.Count} {Word(c.Ending)}"))}");
        foreach (var end in result.Units.Where(u => u.Ending == UnitEnding.Failed))
        {
            Console.WriteLine($"failed {end.Unit}: {end.Reason}");
            Console.WriteLine($"  log: {Path.Combine(store.FolderOf(end.Unit), UnitStore.LogFile)}");
        }
    }

    /// <summary>This program as the worker of one unit.</summary>
    private static WorkerCommand Worker(UnitStore store, string device, int? threads) => new(
        SelfCommand.Program,
        [
            .. SelfCommand.Arguments, "unit", "run", WorkerCommand.Id, "--store", store.Root, "--device", device, "--json",
            .. threads is { } n ? new[] { "--threads", n.ToString(CultureInfo.InvariantCulture) } : [],
        ]);

    private static string Word(UnitEnding ending) => ending.ToString().ToLowerInvariant();
}
