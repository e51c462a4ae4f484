using System.Net;
using CudaAttribution.Runs;

namespace CudaAttribution.Remote;

/// <summary>One request.</summary>
/// <param name="Method">The method.</param>
/// <param name="Address">Where to.</param>
/// <param name="Headers">Headers, secrets among them.</param>
/// <param name="Body">JSON text in UTF-8; null for none.</param>
internal sealed record HttpCall(HttpMethod Method, Uri Address, IEnumerable<(string Name, string Value)> Headers, byte[]? Body = null);

/// <summary>There was no complete answer: time ran out, the connection failed or the answer is too large.</summary>
internal sealed class HttpTroubleException(string reason, bool answered = false) : Exception(reason)
{
    /// <summary>The service did answer, with something that cannot be used.</summary>
    public bool Answered => answered;
}

/// <summary>
/// Sends requests and nothing that was not asked for: no proxy of the environment, no cookies, no redirect to another origin, no answer above the
/// limit, no header of its own that tells who is asking.
/// </summary>
internal sealed class HttpChannel : IDisposable
{
    private const int MostRedirects = 5;
    private const int ReadSize = 81_920;

    private readonly HttpClient _client;
    private readonly TimeSpan _timeout;
    private readonly long _limit;
    private readonly Func<string, string> _scrub;

    /// <param name="limits">Time and size of an answer.</param>
    /// <param name="scrub">Removes secrets from text.</param>
    public HttpChannel(HttpLimits limits, Func<string, string> scrub)
    {
        _client = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.None,
            ActivityHeadersPropagator = null,
            // An answer that is given up closes its connection at once; the rest is not waited for.
            ResponseDrainTimeout = TimeSpan.Zero,
        })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
        (_timeout, _limit, _scrub) = (TimeSpan.FromSeconds(limits.TimeoutSeconds), (long)limits.MaxResponseMib << 20, scrub);
    }

    /// <exception cref="HttpTroubleException">No complete answer.</exception>
    /// <exception cref="UserException">A redirect that is not followed, or a connection that is not secure.</exception>
    public HttpReply Send(HttpCall call, CancellationToken cancel)
    {
        using var time = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        time.CancelAfter(_timeout);
        try
        {
            for (int redirects = 0; ; redirects++)
            {
                using var request = Request(call);
                using var response = _client.Send(request, HttpCompletionOption.ResponseHeadersRead, time.Token);
                if ((int)response.StatusCode is not (>= 300 and <= 399) || response.StatusCode == HttpStatusCode.NotModified)
                    return Reply(response, Body(response, time.Token));
                if (redirects == MostRedirects) throw new HttpTroubleException($"{call.Address.Host} redirects more than {MostRedirects} times");
                call = call with { Address = Target(call, response) };
            }
        }
        catch (Exception e) when (time.IsCancellationRequested
            && e is OperationCanceledException or HttpRequestException or IOException or ObjectDisposedException)
        {
            cancel.ThrowIfCancellationRequested();
            throw new HttpTroubleException(FormattableString.Invariant($"no answer of {call.Address.Host} within {_timeout.TotalSeconds} s"));
        }
        catch (HttpRequestException e) when (e.HttpRequestError == HttpRequestError.SecureConnectionError)
        {
            throw new UserException(
                $"no secure connection to {call.Address.Host} ({_scrub((e.InnerException ?? e).Message).TrimEnd('.')})",
                "Check the address and the certificate.");
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw new HttpTroubleException($"the connection to {call.Address.Host} failed ({_scrub((e.InnerException ?? e).Message).TrimEnd('.')})");
        }
    }

    public void Dispose() => _client.Dispose();

    private static HttpRequestMessage Request(HttpCall call)
    {
        var request = new HttpRequestMessage(call.Method, call.Address);
        if (call.Body is { } body)
        {
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.TryAddWithoutValidation("Content-Type", "application/json");
        }
        foreach (var (name, value) in call.Headers) request.Headers.TryAddWithoutValidation(name, value);
        return request;
    }

    private Uri Target(HttpCall call, HttpResponseMessage response)
    {
        string from = call.Address.Host;
        if (response.Headers.Location is not { } location || !Uri.TryCreate(call.Address, location, out var target))
            throw new HttpTroubleException($"{from} redirects ({(int)response.StatusCode}) without saying where to");
        if (!SameOrigin(target, call.Address))
        {
            throw new UserException(
                $"{from} redirects to another place ({_scrub($"{target.Scheme}://{target.Authority}")}), which is not followed",
                "Put the final address into the description if you trust it.");
        }
        bool keepsMethod = response.StatusCode is HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect;
        return call.Method == HttpMethod.Get || keepsMethod ? target : throw new UserException(
            $"{from} answers {call.Method} with a redirect to {_scrub(target.AbsolutePath)} that would drop the request ({(int)response.StatusCode})",
            "Put the final address into the description.");
    }

    public static bool SameOrigin(Uri a, Uri b) => a.Scheme == b.Scheme && a.Host == b.Host && a.Port == b.Port;

    private byte[] Body(HttpResponseMessage response, CancellationToken cancel)
    {
        if (response.Content.Headers.ContentLength > _limit) throw TooLarge();
        using var body = new MemoryStream();
        // Closing the connection ends a read that waits.
        using var stop = cancel.Register(response.Dispose);
        using var stream = response.Content.ReadAsStream(cancel);
        byte[] part = new byte[ReadSize];
        for (int n; (n = stream.Read(part)) > 0;)
        {
            cancel.ThrowIfCancellationRequested();
            if (body.Length + n > _limit) throw TooLarge();
            body.Write(part, 0, n);
        }
        cancel.ThrowIfCancellationRequested();
        return body.ToArray();

        HttpTroubleException TooLarge() => new($"the answer is larger than {_limit >> 20} MiB (limits.max_response_mib)", answered: true);
    }

    private HttpReply Reply(HttpResponseMessage response, byte[] body) =>
        HttpReply.Of(
            (int)response.StatusCode, body, response.Content.Headers.ContentEncoding, _limit, RetryAfter(response), _scrub);

    private static TimeSpan? RetryAfter(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } => date > DateTimeOffset.UtcNow ? date - DateTimeOffset.UtcNow : TimeSpan.Zero,
        _ => null,
    };
}
