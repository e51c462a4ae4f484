using System.Diagnostics;

namespace CudaAttribution.Runs.Units;

/// <summary>A worker at one unit: a child process.</summary>
internal sealed class WorkerProcess : IDisposable
{
    private const int SignalBase = 128;

    private readonly UnitStore _store;
    private readonly string _id;
    private readonly Process _process;

    private WorkerProcess(UnitStore store, string id, Process process) => (_store, _id, _process) = (store, id, process);

    /// <summary>Starts it. Its standard error goes to the unit's log by itself, so that what it says last survives this process too.</summary>
    public static WorkerProcess Start(UnitStore store, WorkerCommand command, string id)
    {
        store.ForgetFailure(id);
        string log = Path.Combine(store.FolderOf(id), UnitStore.LogFile);
        var start = new ProcessStartInfo("/bin/sh", ["-c", WorkerLog.Script, log, .. command.For(id)])
        {
            RedirectStandardOutput = true,
        };
        return new WorkerProcess(store, id, Process.Start(start)!);
    }

    /// <summary>Passes its progress on until it ends.</summary>
    /// <param name="grace">Time that it gets to end by itself when it is cancelled, before it is killed.</param>
    public async Task<UnitEnd> WaitAsync(IProgress<UnitProgress> progress, TimeSpan grace, CancellationToken cancel)
    {
        using var stop = cancel.Register(() => Posix.Signal(_process.Id, Posix.Terminate));
        var outcome = await ReadAsync(progress, grace, cancel).ConfigureAwait(false);
        await _process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
        if (_store.IsFinished(_id))
            return new UnitEnd(_id, outcome == UnitOutcome.Found ? UnitEnding.Found : UnitEnding.Computed);
        if (cancel.IsCancellationRequested) return new UnitEnd(_id, UnitEnding.Stopped, "the run was stopped");
        return new UnitEnd(_id, UnitEnding.Failed, Reason());
    }

    public void Dispose() => _process.Dispose();

    private async Task<UnitOutcome?> ReadAsync(IProgress<UnitProgress> progress, TimeSpan grace, CancellationToken cancel)
    {
        using var kill = new CancellationTokenSource();
        using var late = cancel.Register(() => kill.CancelAfter(grace));
        using var killing = kill.Token.Register(_process.Kill);
        UnitOutcome? outcome = null;
        while (await _process.StandardOutput.ReadLineAsync(CancellationToken.None).ConfigureAwait(false) is { } text)
        {
            var line = WorkerLine.TryParse(text);
            if (line?.Progress is { } at) progress.Report(at);
            outcome ??= line?.Outcome;
        }
        return outcome;
    }

    private string Reason()
    {
        int code = _process.ExitCode;
        if (code > SignalBase) return $"the worker was killed by signal {code - SignalBase}";
        return _store.ReasonOf(_id) ?? $"the worker ended with code {code} and without a word";
    }
}
