using CudaAttribution.Runs.Units;

namespace CudaAttribution.Cli.Running;

/// <summary>
/// Progress of units on standard error: of one unit its own, of many how many have ended, and why where one has no result.
/// </summary>
/// <param name="many">Whether many are run: what each of them does is not shown then.</param>
internal sealed class UnitProgressView(bool many) : IProgress<UnitProgress>, IDisposable
{
    private readonly Lock _lock = new();
    private string _activity = "";
    private ProgressLine? _line;

    public void Report(UnitProgress value)
    {
        if (many && value.Activity is not (IRunner.Units or SlurmRunner.Submit)) return;
        lock (_lock)
        {
            if (value.Activity != _activity)
            {
                _line?.Dispose();
                (_activity, _line) = (value.Activity, new ProgressLine(value.Activity));
            }
            _line!.Report(value.Done, value.Total, value.Details, value.Remaining);
        }
    }

    public void Dispose() => _line?.Dispose();
}
