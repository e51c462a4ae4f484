using System.Threading.Channels;
using CudaAttribution.Answers;
using CudaAttribution.Images;
using CudaAttribution.Runs;

namespace CudaAttribution.Cli.Serving;

/// <summary>One thread that draws, one request after the other, in the order in which they came.</summary>
internal sealed class GenerationQueue : IDisposable
{
    private const int MostWaiting = 16;

    private readonly Channel<Job> _jobs = Channel.CreateBounded<Job>(new BoundedChannelOptions(MostWaiting) { SingleReader = true });
    private readonly LocalModel _model;
    private readonly Thread _thread;

    public GenerationQueue(LocalModel model)
    {
        _model = model;
        _thread = new Thread(Work) { Name = "generation", IsBackground = true };
        _thread.Start();
    }

    /// <summary>The pictures of a request whose seed is drawn.</summary>
    /// <exception cref="BadRequestException">Too many requests wait already, or the sampling does not fit the model.</exception>
    public Task<IReadOnlyList<RgbImage>> Draw(DrawRequest request, CancellationToken cancel)
    {
        var job = new Job(request, cancel, new TaskCompletionSource<IReadOnlyList<RgbImage>>(TaskCreationOptions.RunContinuationsAsynchronously));
        if (!_jobs.Writer.TryWrite(job)) throw new BadRequestException($"{MostWaiting} requests are waiting already; try again later", 429);
        return job.Done.Task;
    }

    /// <summary>Ends the thread once the jobs that it has are done or cancelled.</summary>
    public void Dispose()
    {
        _jobs.Writer.Complete();
        _thread.Join();
    }

    private void Work()
    {
        while (_jobs.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
        {
            while (_jobs.Reader.TryRead(out var job)) Do(job);
        }
    }

    private void Do(Job job)
    {
        try
        {
            job.Cancel.ThrowIfCancellationRequested();
            var answers = _model.Generate(job.Request.Queries(_model.Identity), job.Request.Sampling, cancel: job.Cancel);
            job.Done.SetResult([.. answers.Select(a => a.Image!)]);
        }
        catch (OperationCanceledException)
        {
            job.Done.SetCanceled(job.Cancel);
        }
        catch (UserException e)
        {
            job.Done.SetException(new BadRequestException(e.Message));
        }
        catch (Exception e)
        {
            // The thread must outlive a request that fails; the request's own task reports it.
            job.Done.SetException(e);
        }
    }

    private sealed record Job(DrawRequest Request, CancellationToken Cancel, TaskCompletionSource<IReadOnlyList<RgbImage>> Done);
}
