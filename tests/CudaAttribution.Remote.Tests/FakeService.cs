using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Images;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace CudaAttribution.Remote.Tests;

/// <summary>One request as a service saw it.</summary>
internal sealed record Received(string Method, string Path, string Query, IReadOnlyDictionary<string, string> Headers, string Body)
{
    public JsonObject Json => JsonNode.Parse(Body)!.AsObject();

    public string Prompt => (string)Json["prompt"]!;
}

/// <summary>An image service on this machine that answers as it is told: by default with a picture of 8 x 8 in OpenAI's form.</summary>
internal sealed class FakeService : IDisposable
{
    private readonly WebApplication _app;
    private readonly List<Received> _received = [];
    private readonly Queue<Func<HttpContext, Task>> _next = new();

    /// <param name="pictures">Its pictures, by prompt; others are made up.</param>
    /// <param name="certificate">Speaks https with it.</param>
    public FakeService(IReadOnlyDictionary<string, RgbImage>? pictures = null, X509Certificate2? certificate = null)
    {
        Default = (context, request) => Json(context, Picture(pictures?.GetValueOrDefault(request.Prompt) ?? Plain(request.Prompt)));
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            if (certificate is not null) listen.UseHttps(certificate);
        }));
        _app = builder.Build();
        _app.Run(Handle);
        _app.StartAsync().GetAwaiter().GetResult();
        Address = _app.Urls.Single();
    }

    public string Address { get; }

    /// <summary>How requests are answered that nothing was scripted for.</summary>
    public Func<HttpContext, Received, Task> Default { get; set; }

    public IReadOnlyList<Received> Received
    {
        get { lock (_received) return [.. _received]; }
    }

    /// <summary>Prompts, as often as they were asked.</summary>
    public IEnumerable<string> Prompts => Received.Where(r => r.Method == "POST").Select(r => r.Prompt);

    /// <summary>Scripts the answers to the next requests.</summary>
    public void Next(params Func<HttpContext, Task>[] answers)
    {
        foreach (var answer in answers) _next.Enqueue(answer);
    }

    public static RgbImage Plain(string prompt, int size = 8)
    {
        byte shade = (byte)(prompt.Sum(c => c) % 256);
        var image = RgbImage.Filled(size, size, shade, (byte)(shade / 2), 7);
        for (int i = 0; i < image.Pixels.Length / 2; i++) image.Pixels[i] ^= 0x80;
        return image;
    }

    /// <summary>An answer in OpenAI's form.</summary>
    public static string Picture(RgbImage image) => Base64(Base64Of(image));

    public static string Base64Of(RgbImage image) => Convert.ToBase64String(ImageCodecs.EncodePng(image));

    public static string Base64(string text) => new JsonObject { ["data"] = new JsonArray(new JsonObject { ["b64_json"] = text }) }.ToJsonString();

    public static Func<HttpContext, Task> Status(int status, string body = "{}", string? retryAfter = null, string? location = null) => context =>
    {
        if (retryAfter is not null) context.Response.Headers.RetryAfter = retryAfter;
        if (location is not null) context.Response.Headers.Location = location;
        return Json(context, body, status);
    };

    public static Func<HttpContext, Task> Body(string body) => context => Json(context, body);

    /// <summary>Answers after the caller has lost patience.</summary>
    public static Task Silence(HttpContext context) => Task.Delay(Timeout.Infinite, context.RequestAborted)
        .ContinueWith(_ => { }, TaskScheduler.Default);

    /// <summary>Begins an answer, and then nothing more comes.</summary>
    public static async Task Stall(HttpContext context)
    {
        context.Response.ContentLength = 1000;
        await context.Response.WriteAsync("{\"data\": [");
        await context.Response.Body.FlushAsync();
        await Silence(context);
    }

    /// <summary>Promises more than it sends.</summary>
    public static async Task Cut(HttpContext context)
    {
        context.Response.ContentLength = 1000;
        await context.Response.WriteAsync("{\"data\": [");
        await context.Response.Body.FlushAsync();
        context.Abort();
    }

    public void Dispose() => _app.DisposeAsync().AsTask().GetAwaiter().GetResult();

    public static Task Json(HttpContext context, string body, int status = 200)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(body);
    }

    private async Task Handle(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var request = new Received(
            context.Request.Method, context.Request.Path, context.Request.QueryString.Value ?? "",
            context.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase),
            await reader.ReadToEndAsync());
        Func<HttpContext, Task>? scripted;
        lock (_received)
        {
            _received.Add(request);
            _next.TryDequeue(out scripted);
        }
        await (scripted is null ? Default(context, request) : scripted(context));
    }
}
