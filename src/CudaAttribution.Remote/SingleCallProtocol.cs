using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using CudaAttribution.Runs;

namespace CudaAttribution.Remote;

/// <summary>One request, whose answer holds the picture or says where it lies.</summary>
internal sealed class SingleCallProtocol(HttpService service, HttpChannel channel, ReplyReader reader) : IPictureProtocol
{
    private const string DataScheme = "data:";

    // Pictures that were drawn and whose download failed: they are fetched again, not drawn again.
    private readonly Dictionary<Guid, Uri> _drawn = [];

    public CallResult Ask(HttpQuery query, Guid callId, bool perhapsSent, CancellationToken cancel)
    {
        if (_drawn.TryGetValue(callId, out var waiting)) return Download(waiting, callId, cancel);
        var headers = service.Headers;
        if (service.IdempotencyHeader is { } name) headers = headers.Append((name, callId.ToString()));
        var body = service.Fill(query.Values, query.Noise);
        var reply = channel.Send(new HttpCall(service.Method, service.AddressOf(), headers, Encoding.UTF8.GetBytes(body.ToJsonString())), cancel);
        if (reader.Failure(reply) is { } failure) return failure;
        var place = service.Response!;
        if (place.Raw) return ReplyReader.Picture(reply.Body, reply);
        if (ReplyReader.TryJson(reply) is not { } json) return ReplyReader.Unusable(reply, "the answer is not JSON, or was cut short");
        if (Text(json, (place.Base64 ?? place.Url)!) is not { } text) return NoPicture(reply, json, (place.Base64 ?? place.Url)!);
        if (place.Base64 is not null || text.TrimStart().StartsWith(DataScheme, StringComparison.OrdinalIgnoreCase))
        {
            var said = service.Description.Preset == HttpPreset.Automatic1111 ? WebUiInfo.Read(json, reader.Excerpt) : null;
            return Inline(text, reply) with { Service = said, Ignored = WebUiInfo.Ignored(body, said) };
        }
        var address = PictureAddress(text);
        _drawn[callId] = address;
        return Download(address, callId, cancel);
    }

    private static string? Text(JsonElement json, string path) =>
        JsonPath.TryParse(path)!.Find(json) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;

    private CallResult NoPicture(HttpReply reply, JsonElement json, string path)
    {
        if (reader.IsRefusal(reply)) return reader.Refused(reply);
        string has = json.ValueKind == JsonValueKind.Object
            ? $"it has {string.Join(", ", json.EnumerateObject().Select(m => m.Name))}"
            : $"it is {json.ValueKind}";
        string hint = service.Description.Preset == HttpPreset.OpenAiImages && Text(json, "data[0].url") is not null
            ? "; it names the picture's address: the preset openai-images-2023 asks for the picture itself" : "";
        return new CallResult(CallOutcome.Trouble, reply) { Reason = reader.Excerpt($"the answer has no picture at '{path}' ({has})") + hint };
    }

    private static CallResult Inline(string text, HttpReply reply)
    {
        text = text.TrimStart();
        if (text.StartsWith(DataScheme, StringComparison.OrdinalIgnoreCase)) text = text[(text.IndexOf(',', StringComparison.Ordinal) + 1)..];
        // Either alphabet, padded or not, in lines or not.
        byte[] file = new byte[Base64Url.GetMaxDecodedLength(text.Length)];
        return Base64Url.DecodeFromChars(text.Replace('+', '-').Replace('/', '_'), file, out _, out int n) == OperationStatus.Done
            ? ReplyReader.Picture(file[..n], reply)
            : ReplyReader.Unusable(reply, "the picture is not base64, or was cut short");
    }

    private Uri PictureAddress(string text)
    {
        if (!Uri.TryCreate(service.Endpoint, text, out var address) || (address.Scheme != Uri.UriSchemeHttp && address.Scheme != Uri.UriSchemeHttps))
            throw new UserException("the service names a picture that is not at an http or https address", "Correct \"response\".");
        if (HttpChannel.SameOrigin(address, service.Endpoint)
            || service.Description.PictureHosts.Contains(address.Authority, StringComparer.OrdinalIgnoreCase)) return address;
        string host = reader.Excerpt(address.Authority);
        throw new UserException(
            $"the service names a picture on another host, {host}",
            $"Add it to the description if you trust it: \"picture_hosts\": [\"{host}\"].");
    }

    private CallResult Download(Uri address, Guid callId, CancellationToken cancel)
    {
        bool own = HttpChannel.SameOrigin(address, service.Endpoint);
        var reply = channel.Send(new HttpCall(HttpMethod.Get, address, own ? service.Headers : []), cancel);
        if (reply.Status is 408 or 425 or 429 or >= 500) return reader.Failure(reply)!;
        _drawn.Remove(callId);
        return reply.Status is >= 200 and <= 299
            ? ReplyReader.Picture(reply.Body, reply)
            : ReplyReader.Unusable(reply, $"the picture cannot be fetched from {address.Host} ({reply.Status})");
    }
}
