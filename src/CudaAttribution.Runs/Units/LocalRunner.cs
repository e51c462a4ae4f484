namespace CudaAttribution.Runs.Units;

/// <summary>Runs units on this machine, each in a process of its own.</summary>
/// <param name="store">The store.</param>
/// <param name="worker">What computes a unit.</param>
/// <param name="jobs">Workers at a time: as many as the machine has cores and memory for.</param>
public sealed class LocalRunner(UnitStore store, WorkerCommand worker, int jobs) : IRunner
{
    private readonly int _jobs = jobs >= 1 ? jobs : throw new ArgumentOutOfRangeException(nameof(jobs), jobs, "at least one worker is needed");

    /// <summary>Time that a worker gets to end by itself when the run is stopped, before it is killed.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(10);

    public async Task<RunnerResult> RunAsync(UnitGraph graph, IProgress<UnitProgress> progress, CancellationToken cancel = default)
    {
        var ends = new Dictionary<string, UnitEnd>(StringComparer.Ordinal);
        var dependents = graph.Dependents();
        var waits = graph.Units.ToDictionary(u => u.Id, u => graph.InputsOf(u).Count(), StringComparer.Ordinal);
        var ready = new Queue<WorkUnit>(graph.Units.Where(u => waits[u.Id] == 0));
        var running = new List<Task<UnitEnd>>();
        while (ready.Count > 0 || running.Count > 0)
        {
            while (running.Count < _jobs && ready.TryDequeue(out var unit))
            {
                if (UnitEnd.WithoutWork(store, graph, unit, ends, cancel) is { } end) Settle(end);
                else running.Add(RunAsync(unit));
            }
            if (running.Count == 0) continue;
            var done = await Task.WhenAny(running).ConfigureAwait(false);
            running.Remove(done);
            Settle(await done.ConfigureAwait(false));
        }
        return new RunnerResult([.. graph.Units.Select(u => ends[u.Id])]);

        async Task<UnitEnd> RunAsync(WorkUnit unit)
        {
            using var process = WorkerProcess.Start(store, worker, unit.Id);
            return await process.WaitAsync(progress, Grace, cancel).ConfigureAwait(false);
        }

        void Settle(UnitEnd end)
        {
            ends.Add(end.Unit, end);
            progress.Report(new UnitProgress(end.Unit, IRunner.Units, ends.Count, graph.Units.Count, end.Reason));
            foreach (var dependent in dependents[end.Unit])
                if (--waits[dependent.Id] == 0) ready.Enqueue(dependent);
        }
    }
}
