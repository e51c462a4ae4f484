using System.Runtime.InteropServices;
using CudaAttribution.Runs.Manifests;

namespace CudaAttribution.Runs.Units;

/// <summary>Computes units of a store in this process.</summary>
public sealed class UnitWorker(UnitStore store, UnitKinds kinds)
{
    // Between two looks at a unit that another worker has: little against a unit, much against a look.
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(200);

    /// <summary>Sees to it that a unit is finished: computes it, or waits for the worker that does.</summary>
    /// <exception cref="UserException">It cannot be computed, or an input is not there.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public UnitOutcome Run(string id, IProgress<UnitProgress> progress, CancellationToken cancel = default)
    {
        var unit = store.Read(id);
        if (store.IsFinished(id)) return UnitOutcome.Found;
        var kind = kinds.Of(unit);
        var inputs = store.InputsOf(unit);
        using var claim = TakeOrWait(id, progress, cancel);
        if (claim is null || store.IsFinished(id)) return UnitOutcome.Found;
        store.ForgetFailure(id);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel, claim.Lost);
        try
        {
            var started = DateTimeOffset.UtcNow;
            var folder = store.BeginPartial(id, claim, kind.Resumes);
            kind.Compute(new UnitWork { Unit = unit, Folder = folder, Inputs = inputs, Progress = progress, Cancel = stop.Token });
            folder.WriteJson(UnitManifest.FileName, Describe(unit, folder, started));
            claim.EnsureHeld();
            store.Publish(id, folder);
            return UnitOutcome.Computed;
        }
        catch (OperationCanceledException) when (claim.Lost.IsCancellationRequested)
        {
            claim.EnsureHeld(); // Throws, and says so.
            throw;
        }
        catch (Exception e) when (e is not OperationCanceledException && !claim.Lost.IsCancellationRequested)
        {
            store.Fail(id, e is UserException ? e.Message : e.ToString());
            throw;
        }
    }

    /// <summary>The claim, or null where another worker has finished the unit meanwhile.</summary>
    private Claim? TakeOrWait(string id, IProgress<UnitProgress> progress, CancellationToken cancel)
    {
        var folder = new RunFolder(store.FolderOf(id));
        for (bool said = false; !store.IsFinished(id); said = true)
        {
            if (Claim.TryLock(folder, UnitStore.UnitFile) is { } claim) return claim;
            if (!said)
            {
                string who = Claim.HolderOf(folder.Root, UnitStore.UnitFile)?.ToString() ?? "another process";
                progress.Report(new UnitProgress(id, $"wait for {who}", 0, 1));
            }
            cancel.WaitHandle.WaitOne(Look);
            cancel.ThrowIfCancellationRequested();
        }
        return null;
    }

    private static UnitManifest Describe(WorkUnit unit, RunFolder folder, DateTimeOffset started) => new()
    {
        Unit = unit.Id,
        Kind = unit.Kind,
        Started = started,
        Finished = DateTimeOffset.UtcNow,
        Machine = Environment.MachineName,
        Version = RunManifest.ProgramVersion,
        Runtime = RuntimeInformation.FrameworkDescription,
        OperatingSystem = RuntimeInformation.OSDescription,
        // A kind that resumes may find the manifest of an attempt that was cut off between writing and renaming.
        Outputs = FileHashes.Of(folder.Root, n => n != UnitManifest.FileName),
    };
}
