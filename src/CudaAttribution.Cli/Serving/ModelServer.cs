using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using CudaAttribution.Answers;
using CudaAttribution.Runs;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using BadHttpRequestException = Microsoft.AspNetCore.Http.BadHttpRequestException;

namespace CudaAttribution.Cli.Serving;

/// <summary>
/// Offers a model over HTTP in two protocols, behind a bearer token. Nothing of a request but its path is printed, and nothing is kept but what goes into
/// a log of served pictures.
/// </summary>
internal sealed class ModelServer : IAsyncDisposable
{
    private const int LargestBody = 64 * 1024;
    private const int MostConnections = 64;
    private const int RetryAfterSeconds = 2;
    private static readonly TimeSpan HeaderTime = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan StopTime = TimeSpan.FromSeconds(5);
    private static readonly IImageProtocol[] Protocols = [new OpenAiImages(), new Automatic1111()];

    private readonly WebApplication _app;
    private readonly GenerationQueue _queue;
    private readonly ServedModel _served;
    private readonly PictureKeeper _keeper;
    private readonly BearerToken _token;
    private readonly Action<string> _log;

    /// <param name="model">The model; it must outlive the server.</param>
    /// <param name="keeper">What becomes of the pictures.</param>
    /// <param name="token">What callers must show.</param>
    /// <param name="address">Where to listen.</param>
    /// <param name="port">The port; 0 takes a free one.</param>
    /// <param name="log">Takes one line a request.</param>
    public ModelServer(LocalModel model, PictureKeeper keeper, BearerToken token, IPAddress address, int port, Action<string> log)
    {
        (_keeper, _token, _log) = (keeper, token, log);
        _served = new ServedModel(model.Name, model.Size, model.Sampling, model.Identity);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = StopTime);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = LargestBody;
            kestrel.Limits.MaxConcurrentConnections = MostConnections;
            kestrel.Limits.RequestHeadersTimeout = HeaderTime;
            kestrel.Listen(address, port, listen => listen.Protocols = HttpProtocols.Http1);
        });
        _app = builder.Build();
        _app.Run(Handle);
        _queue = new GenerationQueue(model);
    }

    /// <summary>Paths that pictures are drawn under.</summary>
    public static IEnumerable<string> Paths => Protocols.Select(p => p.Path);

    /// <summary>Starts to listen.</summary>
    /// <returns>Address and port.</returns>
    /// <exception cref="IOException">The address cannot be had, or the port is taken.</exception>
    public async Task<Uri> Start()
    {
        try
        {
            await _app.StartAsync();
        }
        catch (Exception e) when (e is System.Net.Sockets.SocketException or IOException)
        {
            throw new IOException(
                $"cannot listen there ({e.Message.TrimEnd('.')}): use --bind with an address of this machine and a --port that is free", e);
        }
        return new Uri(_app.Urls.Single());
    }

    /// <summary>Returns once SIGINT or SIGTERM has come and the requests under way have ended.</summary>
    public Task WaitUntilStopped() => _app.WaitForShutdownAsync();

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _queue.Dispose();
    }

    private async Task Handle(HttpContext context)
    {
        long began = Stopwatch.GetTimestamp();
        var protocol = Protocols.FirstOrDefault(p => p.Path == context.Request.Path);
        int status = 200;
        JsonObject answer;
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, _app.Lifetime.ApplicationStopping);
        try
        {
            Admit(context, protocol);
            answer = await Draw(context, protocol!, cancel.Token);
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            (status, answer) = Failure(503, "the server is stopping");
        }
        catch (BadRequestException e)
        {
            (status, answer) = Failure(e.Status, e.Message);
        }
        catch (BadHttpRequestException e)
        {
            (status, answer) = Failure(e.StatusCode, e.StatusCode == 413 ? $"the body is larger than {LargestBody} bytes" : "the request is broken");
        }
        catch (UserException e)
        {
            _log($"cannot keep the log of served pictures, so none goes out: {e.Message}");
            (status, answer) = Failure(500, "the server cannot keep its log");
        }
        catch (Exception e) when (e is NotFiniteNumberException or Driver.DeviceException)
        {
            (status, answer) = Failure(500, e.Message);
        }
        if (!context.RequestAborted.IsCancellationRequested) await Write(context, status, answer);
        _log(FormattableString.Invariant(
            $"{context.Request.Method} {protocol?.Path ?? "(unknown path)"} {status} {Stopwatch.GetElapsedTime(began).TotalSeconds:0.00} s"));

        (int, JsonObject) Failure(int code, string message) => (code, (protocol ?? Protocols[0]).Error(code, message));
    }

    private async Task<JsonObject> Draw(HttpContext context, IImageProtocol protocol, CancellationToken cancel)
    {
        var asked = protocol.Read(new RequestBody(await Body(context, cancel)), _served);
        string? account = _keeper.Account(context.Request.Headers);
        var request = asked with { Seed = asked.Seed ?? _keeper.DrawSeeds(asked.Count) };
        var pictures = await _queue.Draw(request, cancel);
        cancel.ThrowIfCancellationRequested();
        return protocol.Answer(_keeper.Keep(pictures, request, asked.SetByCaller(_served), account), request, _served);
    }

    /// <summary>The token comes first: a stranger learns nothing, not even which paths there are.</summary>
    private void Admit(HttpContext context, IImageProtocol? protocol)
    {
        if (!_token.Accepts(context.Request.Headers.Authorization)) throw new BadRequestException("show the right bearer token", 401);
        if (protocol is null) throw new BadRequestException($"there is nothing at this path; use {string.Join(" or ", Paths)}", 404);
        if (!HttpMethods.IsPost(context.Request.Method)) throw new BadRequestException("use POST", 405);
    }

    private static async Task<byte[]> Body(HttpContext context, CancellationToken cancel)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, cancel);
        return body.ToArray();
    }

    private static async Task Write(HttpContext context, int status, JsonObject answer)
    {
        byte[] body = Encoding.UTF8.GetBytes(answer.ToJsonString());
        var response = context.Response;
        (response.StatusCode, response.ContentType, response.ContentLength) = (status, "application/json", body.Length);
        if (status == 401) response.Headers.WWWAuthenticate = "Bearer";
        if (status == 405) response.Headers.Allow = "POST";
        if (status is 429 or 503) response.Headers.RetryAfter = RetryAfterSeconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
        await response.Body.WriteAsync(body, context.RequestAborted);
    }
}
