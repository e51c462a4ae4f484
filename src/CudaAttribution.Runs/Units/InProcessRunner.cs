namespace CudaAttribution.Runs.Units;

/// <summary>
/// Runs units one after another in this process, on the thread that calls: when the task is there, it is complete. What kinds open once stays open from
/// unit to unit.
/// </summary>
public sealed class InProcessRunner(UnitStore store, UnitKinds kinds) : IRunner
{
    private readonly UnitWorker _worker = new(store, kinds);

    public Task<RunnerResult> RunAsync(UnitGraph graph, IProgress<UnitProgress> progress, CancellationToken cancel = default)
    {
        var ends = new Dictionary<string, UnitEnd>(StringComparer.Ordinal);
        foreach (var unit in graph.Units)
        {
            var end = UnitEnd.WithoutWork(store, graph, unit, ends, cancel) ?? Compute(unit.Id, progress, cancel);
            ends.Add(unit.Id, end);
            progress.Report(new UnitProgress(unit.Id, IRunner.Units, ends.Count, graph.Units.Count, end.Reason));
        }
        return Task.FromResult(new RunnerResult([.. graph.Units.Select(u => ends[u.Id])]));
    }

    private UnitEnd Compute(string id, IProgress<UnitProgress> progress, CancellationToken cancel)
    {
        progress.Report(new UnitProgress(id, IRunner.Begin, 0, 1));
        try
        {
            return new UnitEnd(id, _worker.Run(id, progress, cancel) == UnitOutcome.Computed ? UnitEnding.Computed : UnitEnding.Found);
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            return UnitEnd.Stopped(id);
        }
        catch (Exception e)
        {
            return new UnitEnd(id, UnitEnding.Failed, e.Message, e);
        }
    }
}
