using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace CudaAttribution.Remote;

/// <summary>
/// ComfyUI: a workflow is queued under an id of ours, its history is read until it is done, its picture is fetched. A run that was cut off looks for
/// its workflow before it queues it again. A server that gives ids of its own (before 2025) is found again within one run only.
/// </summary>
internal sealed class ComfyUiProtocol(
    HttpService service, HttpChannel channel, ReplyReader reader, Action<TimeSpan, CancellationToken> pause) : IPictureProtocol
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(0.5);
    private static readonly string[] Queues = ["queue_running", "queue_pending"];

    private readonly Dictionary<Guid, string> _queued = [];
    private readonly TimeSpan _patience = TimeSpan.FromSeconds(service.Description.Limits.TimeoutSeconds);

    public CallResult Ask(HttpQuery query, Guid callId, bool perhapsSent, CancellationToken cancel)
    {
        string id = _queued.GetValueOrDefault(callId, callId.ToString());
        if (!perhapsSent || !IsKnown(id, cancel))
        {
            var reply = Send(HttpMethod.Post, "prompt", "", Submission(query, callId), cancel);
            if (reader.Failure(reply) is { } refused) return refused;
            if (ReplyReader.TryJson(reply) is not { } json || Member(json, "prompt_id") is not { ValueKind: JsonValueKind.String } given)
                return new CallResult(CallOutcome.Trouble, reply) { Reason = "the answer to the workflow has no prompt_id" };
            _queued[callId] = id = given.GetString()!;
        }
        var watch = Stopwatch.StartNew();
        while (true)
        {
            var reply = Send(HttpMethod.Get, $"history/{Uri.EscapeDataString(id)}", "", null, cancel);
            if (reader.Failure(reply) is { } failure) return failure;
            if (ReplyReader.TryJson(reply) is { } history && Member(history, id) is { } entry) return Finished(entry, reply, cancel);
            if (watch.Elapsed > _patience)
                throw new HttpTroubleException(FormattableString.Invariant($"the workflow was not done within {_patience.TotalSeconds} s"));
            pause(PollInterval, cancel);
        }
    }

    private byte[] Submission(HttpQuery query, Guid callId) => Encoding.UTF8.GetBytes(new JsonObject
    {
        ["prompt"] = service.Fill(query.Values, query.Noise),
        ["prompt_id"] = callId.ToString(),
        ["client_id"] = callId.ToString("N"),
    }.ToJsonString());

    private bool IsKnown(string id, CancellationToken cancel)
    {
        var queue = Send(HttpMethod.Get, "queue", "", null, cancel);
        if (ReplyReader.TryJson(queue) is { } json && Queues.Any(name => Member(json, name) is { } items && Contains(items, id))) return true;
        var history = Send(HttpMethod.Get, $"history/{Uri.EscapeDataString(id)}", "", null, cancel);
        return ReplyReader.TryJson(history) is { } done && Member(done, id) is not null;
    }

    // An item of a queue is [number, id, ...].
    private static bool Contains(JsonElement items, string id) =>
        items.ValueKind == JsonValueKind.Array
        && items.EnumerateArray().Any(i => i.ValueKind == JsonValueKind.Array && i.GetArrayLength() > 1 && i[1].ToString() == id);

    private CallResult Finished(JsonElement entry, HttpReply history, CancellationToken cancel)
    {
        if (entry.TryGetProperty("status", out var status) && Member(status, "status_str")?.ToString() == "error")
            return ReplyReader.Unusable(history, $"the workflow failed: {reader.Excerpt(status.ToString())}");
        if (Output(entry) is not { } file) return ReplyReader.Unusable(history, "the workflow gave no output picture");
        string parameters = string.Join('&', file.Select(p => $"{p.Name}={Uri.EscapeDataString(p.Value)}"));
        var reply = Send(HttpMethod.Get, "view", parameters, null, cancel);
        return reader.Failure(reply) ?? ReplyReader.Picture(reply.Body, reply);
    }

    /// <summary>What names the first picture of type output.</summary>
    private static (string Name, string Value)[]? Output(JsonElement entry)
    {
        if (Member(entry, "outputs") is not { ValueKind: JsonValueKind.Object } outputs) return null;
        foreach (var node in outputs.EnumerateObject())
        {
            if (Member(node.Value, "images") is not { ValueKind: JsonValueKind.Array } images) continue;
            foreach (var image in images.EnumerateArray())
            {
                string[] names = ["filename", "subfolder", "type"];
                var parts = names.Select(n => (Name: n, Value: Member(image, n)?.ToString() ?? "")).ToArray();
                if (parts[0].Value.Length > 0 && parts[2].Value == "output") return parts;
            }
        }
        return null;
    }

    private static JsonElement? Member(JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var member) ? member : null;

    private HttpReply Send(HttpMethod method, string path, string parameters, byte[]? body, CancellationToken cancel) =>
        channel.Send(new HttpCall(method, service.AddressOf(path, parameters), service.Headers, body), cancel);
}
