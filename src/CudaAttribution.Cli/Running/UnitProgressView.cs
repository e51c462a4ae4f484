using CudaAttribution.Runs.Units;

namespace CudaAttribution.Cli.Running;

/// <summary>Progress of units on standard error: of one its steps, of many how many have ended, and why where one has no result.</summary>
internal sealed class UnitProgressView : IProgress<UnitProgress>, IDisposable
{
    private readonly Lock _lock = new();
    private string _activity = "";
    private bool _many;
    private ProgressLine? _line;

    public void Report(UnitProgress value)
    {
        lock (_lock)
        {
            if (value.Activity == IRunner.Units) _many = true;
            else if (_many) return;
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
