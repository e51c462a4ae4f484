namespace CudaAttribution.Cli.Running;

/// <summary>A line of progress for each stage of long work.</summary>
internal sealed class StageLine : IDisposable
{
    private ProgressLine? _line;
    private string? _stage;

    public void Report(string stage, int done, int of)
    {
        if (stage != _stage)
        {
            _line?.Dispose();
            (_line, _stage) = (new ProgressLine(stage), stage);
        }
        _line!.Report(done, of);
    }

    public void Dispose() => _line?.Dispose();
}
