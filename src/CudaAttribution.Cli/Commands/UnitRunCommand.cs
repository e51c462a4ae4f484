using System.CommandLine;
using System.Runtime.InteropServices;
using CudaAttribution.Cli.Options;
using CudaAttribution.Cli.Running;
using CudaAttribution.Experiments.Units;
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
        var workers = new WorkerOptionSet();
        workers.Json.Description = "Print what was done as JSON on standard output; of one unit in this process a line for each progress too.";
        var command = new Command("run", Description) { ids, store };
        workers.AddTo(command);
        command.Validators.Add(result =>
        {
            if (result.GetValue(ids) is { Length: > 1 } && !workers.Elsewhere(result)) result.AddError("several units need --jobs or --slurm");
        });
        command.SetAction(parsed =>
        {
            var units = UnitStore.Open(parsed.GetValue(store)!.FullName);
            string[] asked = [.. parsed.GetValue(ids)!.Select(i => WorkUnit.IsId(i) ? i : units.Resolve(i))];
            var options = workers.Read(parsed);
            if (!options.Elsewhere) return RunOne(units, asked[0], options.Device, options.Threads, options.Json);
            return UnitRun.Report(units, UnitRun.All(units, asked, options), options.Json);
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
}
