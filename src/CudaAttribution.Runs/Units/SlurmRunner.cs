namespace CudaAttribution.Runs.Units;

/// <summary>
/// Runs units on a Slurm cluster whose nodes see the store: units that wait for the same others become the tasks of an array job, which Slurm starts
/// when those others' jobs have ended well (<c>afterok</c>). A task whose node dies is queued again.
/// </summary>
/// <param name="store">The store, on a file system of all nodes.</param>
/// <param name="worker">What computes a unit, under a path of all nodes.</param>
/// <param name="options">How.</param>
/// <remarks>
/// Where one task of an array fails, Slurm drops all tasks that wait for that array, also those whose own inputs are there: they are reported as skipped,
/// and another run takes them up.
/// </remarks>
public sealed class SlurmRunner(UnitStore store, WorkerCommand worker, SlurmOptions options) : IRunner
{
    /// <summary>The activity of progress that counts array jobs which have been submitted.</summary>
    public const string Submit = "submit";

    // A controller that is restarted answers again within minutes.
    private const int SilenceLimit = 60;

    public async Task<RunnerResult> RunAsync(UnitGraph graph, IProgress<UnitProgress> progress, CancellationToken cancel = default)
    {
        string name = $"cudattr-{Guid.NewGuid():N}";
        var found = graph.Units.Where(u => store.IsFinished(u.Id)).Select(u => u.Id).ToHashSet();
        foreach (var unit in graph.Units.Where(u => !found.Contains(u.Id))) store.ForgetFailure(unit.Id);
        try
        {
            await SubmitAsync(name, Arrays(graph, found), progress, cancel).ConfigureAwait(false);
            await WaitAsync(name, graph, progress, cancel).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            await EndAsync(name).ConfigureAwait(false);
        }
        catch
        {
            await EndAsync(name).ConfigureAwait(false);
            throw;
        }
        return Result(graph, found, cancel.IsCancellationRequested);
    }

    /// <summary>The tasks of one array, and the places of the arrays that must have ended well before.</summary>
    private sealed record TaskArray(List<string> Units, int[] After);

    private List<TaskArray> Arrays(UnitGraph graph, HashSet<string> found)
    {
        var arrays = new List<TaskArray>();
        var open = new Dictionary<string, int>(StringComparer.Ordinal);
        var arrayOf = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var unit in graph.Units.Where(u => !found.Contains(u.Id)))
        {
            int[] after = [.. graph.InputsOf(unit).Where(arrayOf.ContainsKey).Select(i => arrayOf[i]).Distinct().Order()];
            string key = string.Join(':', after);
            if (!open.TryGetValue(key, out int array) || arrays[array].Units.Count == options.ArraySize)
            {
                array = open[key] = arrays.Count;
                arrays.Add(new TaskArray([], after));
            }
            arrays[array].Units.Add(unit.Id);
            arrayOf.Add(unit.Id, array);
        }
        return arrays;
    }

    private async Task SubmitAsync(string name, List<TaskArray> arrays, IProgress<UnitProgress> progress, CancellationToken cancel)
    {
        var jobs = new List<string>();
        foreach (var array in arrays)
        {
            cancel.ThrowIfCancellationRequested();
            string[] after = array.After.Length == 0 ? [] : [$"--dependency=afterok:{string.Join(':', array.After.Select(a => jobs[a]))}"];
            jobs.Add(await SlurmCommands.SubmitAsync(
            [
                $"--job-name={name}", $"--array=0-{array.Units.Count - 1}", "--requeue", "--kill-on-invalid-dep=yes", "--output=/dev/null",
                $"--chdir={store.Root}", .. after, .. options.Arguments,
            ], Script(array)).ConfigureAwait(false));
            progress.Report(new UnitProgress("", Submit, jobs.Count, arrays.Count, $"job {jobs[^1]}"));
        }
    }

    private async Task WaitAsync(string name, UnitGraph graph, IProgress<UnitProgress> progress, CancellationToken cancel)
    {
        int silent = 0;
        while (true)
        {
            bool? any = await SlurmCommands.AnyAsync(name).ConfigureAwait(false);
            silent = any is null ? silent + 1 : 0;
            if (silent == SilenceLimit)
                throw new UserException("Slurm has not answered for a long time", "Start again when it does: what is finished stays.");
            progress.Report(new UnitProgress("", IRunner.Units, graph.Units.Count(u => store.IsFinished(u.Id)), graph.Units.Count));
            if (any == false) return;
            await Task.Delay(options.Poll, cancel).ConfigureAwait(false);
        }
    }

    private async Task EndAsync(string name)
    {
        do
        {
            await SlurmCommands.CancelAsync(name).ConfigureAwait(false);
            await Task.Delay(TimeSpan.FromSeconds(1)).ConfigureAwait(false);
        }
        while (await SlurmCommands.AnyAsync(name).ConfigureAwait(false) == true);
    }

    private RunnerResult Result(UnitGraph graph, HashSet<string> found, bool stopped)
    {
        var ends = new Dictionary<string, UnitEnd>(StringComparer.Ordinal);
        foreach (var unit in graph.Units)
        {
            ends.Add(unit.Id, End());

            UnitEnd End()
            {
                if (store.IsFinished(unit.Id)) return new(unit.Id, found.Contains(unit.Id) ? UnitEnding.Found : UnitEnding.Computed);
                if (store.FailureOf(unit.Id) is { } failure) return new(unit.Id, UnitEnding.Failed, failure.Reason);
                if (stopped) return new(unit.Id, UnitEnding.Stopped, "the run was stopped");
                if (graph.InputsOf(unit).Select(i => ends[i]).FirstOrDefault(e => !e.IsFinished) is { } cause)
                    return new(unit.Id, UnitEnding.Skipped, $"it is made from {cause.Unit}, which has no result");
                if (store.ReasonOf(unit.Id) is { } reason) return new(unit.Id, UnitEnding.Failed, reason);
                return store.StateOf(unit.Id) == UnitState.Interrupted
                    ? new(unit.Id, UnitEnding.Failed, "its worker was ended without a word, as for lack of memory or time")
                    : new(unit.Id, UnitEnding.Skipped, "Slurm did not start it");
            }
        }
        return new RunnerResult([.. graph.Units.Select(u => ends[u.Id])]);
    }

    /// <summary>What each task of an array does: its unit, with everything that is said in the unit's log.</summary>
    private string Script(TaskArray array) => $$"""
        #!/bin/bash
        ids=({{string.Join(' ', array.Units)}})
        id=${ids[$SLURM_ARRAY_TASK_ID]}
        exec /bin/sh -c {{Quote(WorkerLog.Script)}} {{Quote(store.Root)}}/units/${id:0:2}/$id/{{UnitStore.LogFile}} {{Command()}} >/dev/null

        """;

    private string Command() => string.Join(' ', worker.For(WorkerCommand.Id).Select(a => a == WorkerCommand.Id ? "$id" : Quote(a)));

    private static string Quote(string text) => $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
