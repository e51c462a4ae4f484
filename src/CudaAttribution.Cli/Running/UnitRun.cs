using System.Globalization;
using CudaAttribution.Cli.Options;
using CudaAttribution.Experiments.Units;
using CudaAttribution.Ledger;
using CudaAttribution.Runs.Units;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;

namespace CudaAttribution.Cli.Running;

/// <summary>Has units and all that they need computed, by whom the options say.</summary>
internal static class UnitRun
{
    /// <summary>Runs them; those asked for that have a result get a row in the ledger. Ctrl+C stops all workers.</summary>
    public static RunnerResult All(UnitStore store, IReadOnlyList<string> ids, WorkerOptions options)
    {
        using var cancel = new CancelKey();
        using var devices = new UnitDevices(math => ComputeDevice.Open(options.Device, math, threads: options.Threads));
        RunnerResult result;
        using (var view = new UnitProgressView(options.Elsewhere))
            result = Runner(store, options, devices).RunAsync(store.GraphOf(ids), view, cancel.Token).GetAwaiter().GetResult();
        using (var runs = RunLedger.Open(options.Ledger.FullName))
            foreach (string id in ids.Where(store.IsFinished)) runs.Add(store.ResultOf(id), store.ManifestOf(id));
        return result;
    }

    /// <summary>Prints how the units ended, and why where one has no result.</summary>
    /// <returns>The exit code.</returns>
    public static int Report(UnitStore store, RunnerResult result, bool json)
    {
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

    private static string Word(UnitEnding ending) => ending.ToString().ToLowerInvariant();

    private static IRunner Runner(UnitStore store, WorkerOptions options, UnitDevices devices)
    {
        if (options.Slurm)
            return new SlurmRunner(store, Worker(store, options.Device, options.Threads), new SlurmOptions { Arguments = options.Sbatch });
        if (options.Jobs is not { } n) return new InProcessRunner(store, ExperimentKinds.All(devices));
        // Workers side by side share the processors: threads that wait for one another are slower than few.
        int? share = options.Device is "cpu" or "simt" ? Math.Max(1, Environment.ProcessorCount / n) : null;
        return new LocalRunner(store, Worker(store, options.Device, options.Threads ?? share), n);
    }

    /// <summary>This program as the worker of one unit.</summary>
    private static WorkerCommand Worker(UnitStore store, string device, int? threads) => new(
        SelfCommand.Program,
        [
            .. SelfCommand.Arguments, "unit", "run", WorkerCommand.Id, "--store", store.Root, "--device", device, "--json",
            .. threads is { } n ? new[] { "--threads", n.ToString(CultureInfo.InvariantCulture) } : [],
        ]);
}
