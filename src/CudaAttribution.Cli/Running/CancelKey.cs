namespace CudaAttribution.Cli.Running;

/// <summary>Ctrl+C as a cancellation: the work stops at a safe point, having saved what resumes it. A second Ctrl+C ends the process.</summary>
internal sealed class CancelKey : IDisposable
{
    private readonly CancellationTokenSource _source = new();

    public CancelKey() => Console.CancelKeyPress += OnPress;

    public CancellationToken Token => _source.Token;

    public void Dispose()
    {
        Console.CancelKeyPress -= OnPress;
        _source.Dispose();
    }

    private void OnPress(object? sender, ConsoleCancelEventArgs e)
    {
        e.Cancel = !_source.IsCancellationRequested;
        _source.Cancel();
    }
}
