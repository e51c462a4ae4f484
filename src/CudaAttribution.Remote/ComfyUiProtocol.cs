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
        if (Member(entry, "status") is { } status && Text(status, "status_str") == "error")
            return ReplyReader.Unusable(history, $"the workflow failed: {reader.Excerpt(status.ToString())}");
        var pictures = Pictures(entry).ToArray();
        // A workflow with PreviewImage alone has nothing but temporary pictures.
        if ((pictures.FirstOrDefault(p => p.Type == "output") ?? pictures.FirstOrDefault(p => p.Type == "temp")) is not { } file)
            return ReplyReader.Unusable(history, "the workflow gave no picture: none of its outputs is one");
        string parameters =
            $"filename={Uri.EscapeDataString(file.Name)}&subfolder={Uri.EscapeDataString(file.Folder)}&type={Uri.EscapeDataString(file.Type)}";
        var reply = Send(HttpMethod.Get, "view", parameters, null, cancel);
        return reader.Failure(reply) ?? ReplyReader.Picture(reply.Body, reply);
    }

    private static IEnumerable<OutputFile> Pictures(JsonElement entry)
    {
        if (Member(entry, "outputs") is not { ValueKind: JsonValueKind.Object } outputs) yield break;
        foreach (var node in outputs.EnumerateObject())
        {
            if (Member(node.Value, "images") is not { ValueKind: JsonValueKind.Array } images) continue;
            foreach (var image in images.EnumerateArray())
            {
                var file = new OutputFile(Text(image, "filename"), Text(image, "subfolder"), Text(image, "type"));
                if (file.Name.Length > 0) yield return file;
            }
        }
    }

    private static string Text(JsonElement json, string name) => Member(json, name)?.ToString() ?? "";

    private static JsonElement? Member(JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var member) ? member : null;

    private HttpReply Send(HttpMethod method, string path, string parameters, byte[]? body, CancellationToken cancel) =>
        channel.Send(new HttpCall(method, service.AddressOf(path, parameters), service.Headers, body), cancel);

    private sealed record OutputFile(string Name, string Folder, string Type);
}
