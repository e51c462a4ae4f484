namespace CudaAttribution.Runs.Units;

/// <summary>
/// Writes a worker's lines for the runner that started it. A worker whose runner was killed is stopped by the first line that nobody reads.
/// </summary>
/// <param name="output">Where to.</param>
/// <param name="interval">Shortest time between two lines of progress of one activity.</param>
public sealed class WorkerOutput(TextWriter output, TimeSpan interval) : IProgress<UnitProgress>, IDisposable
{
    private readonly CancellationTokenSource _unread = new();
    private readonly Lock _lock = new();
    private UnitProgress? _last;
    private long _written;

    /// <summary>Cancelled when nobody reads the lines.</summary>
    public CancellationToken Unread => _unread.Token;

    public void Report(UnitProgress value)
    {
        lock (_lock)
        {
            bool news = _last?.Activity != value.Activity || value.Done >= value.Total;
            if (!news && Environment.TickCount64 - _written < interval.TotalMilliseconds) return;
            (_last, _written) = (value, Environment.TickCount64);
            Write(new WorkerLine(Progress: value));
        }
    }

    /// <summary>Says what was done.</summary>
    public void Finish(UnitOutcome outcome) => Write(new WorkerLine(Outcome: outcome));

    public void Dispose() => _unread.Dispose();

    private void Write(WorkerLine line)
    {
        try
        {
            output.WriteLine(line.Write());
            output.Flush();
        }
        catch (IOException)
        {
            _unread.Cancel();
        }
    }
}
