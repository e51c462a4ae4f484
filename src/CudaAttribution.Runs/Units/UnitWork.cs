namespace CudaAttribution.Runs.Units;

/// <summary>What a kind is given to compute a unit.</summary>
public sealed class UnitWork
{
    public required WorkUnit Unit { get; init; }

    /// <summary>Where the result goes; it becomes the unit's result whole, when the kind is done.</summary>
    public required RunFolder Folder { get; init; }

    /// <summary>Folder (of a content that is a file: the file) of each of the unit's inputs, in their order. To be read only.</summary>
    public required IReadOnlyList<string> Inputs { get; init; }

    public required IProgress<UnitProgress> Progress { get; init; }

    public required CancellationToken Cancel { get; init; }

    /// <summary>Reports how far work is that looks itself whether it was cancelled.</summary>
    public void Tell(string activity, long done, long total) => Progress.Report(new UnitProgress(Unit.Id, activity, done, total));

    /// <summary>Reports how far the work is, and stops it where it was cancelled.</summary>
    /// <exception cref="OperationCanceledException">It was.</exception>
    public void Report(string activity, long done, long total, string details = "", TimeSpan? remaining = null)
    {
        Progress.Report(new UnitProgress(Unit.Id, activity, done, total, details, remaining));
        Cancel.ThrowIfCancellationRequested();
    }
}
