using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using CudaAttribution.Answers;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Runs;

namespace CudaAttribution.Remote;

/// <summary>What an answer means, the same for every protocol.</summary>
internal sealed partial class ReplyReader(HttpService service)
{
    private const int LongestExcerpt = 200;
    private const int LongestHead = 1 << 16;

    /// <summary>4,096 x 4,096: more than any image model draws; decoding takes 512 MiB at most.</summary>
    private const long MostPixels = 1 << 24;

    private static readonly string[] PageBeginnings = ["<!doctype html", "<html", "<head", "<body"];
    private static readonly string[] MessagePaths = ["error.message", "error", "detail", "message"];

    /// <summary>The end of a call that did not succeed; null for a status of success.</summary>
    public CallResult? Failure(HttpReply reply)
    {
        string host = service.Endpoint.Host;
        if (reply.Status is >= 200 and <= 299)
            return reply.Damage is { } damage ? Unusable(reply, damage) : Page(reply) is { } page ? Unusable(reply, page) : null;
        if (service.Description.Refusal.Statuses.Contains(reply.Status) && IsRefusal(reply)) return Refused(reply);
        if (reply.Status is 408 or 425 or 429 or >= 500)
            return new CallResult(CallOutcome.Trouble, reply) { Reason = $"{host} answered {reply.Status}{Said(reply)}" };
        bool access = reply.Status is 401 or 403;
        return new CallResult(CallOutcome.Stop, reply)
        {
            Reason = $"{host} {(access ? "denies access" : "does not take the request")} ({reply.Status}{Said(reply)})",
            Remedy = access ? "Check the secret in the environment variable that the description names." : Remedy(reply),
        };
    }

    /// <summary>Whether the answer says that the service will not draw the prompt.</summary>
    public bool IsRefusal(HttpReply reply)
    {
        string text = Encoding.UTF8.GetString(reply.Body);
        return service.Description.Refusal.Contains.Any(t => text.Contains(t, StringComparison.OrdinalIgnoreCase));
    }

    public CallResult Refused(HttpReply reply) => new(CallOutcome.Refused, reply) { Reason = $"refused by the service{Said(reply)}" };

    public static CallResult Unusable(HttpReply reply, string reason) => new(CallOutcome.Unusable, reply) { Reason = reason };

    /// <summary>The picture in an answer.</summary>
    /// <param name="file">Bytes of the picture's file.</param>
    /// <param name="reply">The answer that held it.</param>
    public static CallResult Picture(byte[] file, HttpReply reply)
    {
        try
        {
            var image = ImageCodecs.Decode(file, MostPixels).OverWhite();
            return Usability.Problem(image) is { } problem
                ? new(CallOutcome.Blank, reply) { Reason = problem }
                : new(CallOutcome.Picture, reply) { Image = image };
        }
        catch (ImageDecodeException e)
        {
            return Unusable(reply, $"the picture cannot be decoded: {e.Message.TrimEnd('.')}");
        }
    }

    /// <summary>The answer as JSON, or null where it is none.</summary>
    public static JsonElement? TryJson(HttpReply reply) => OutsideJson.TryReadLeniently(reply.Body);

    /// <summary>Text from outside, short, on one line and free of secrets.</summary>
    public string Excerpt(string text)
    {
        string head = service.Secrets.Scrub(text);
        string line = Blank().Replace(head[..Math.Min(head.Length, LongestHead)], " ").Trim();
        return line.Length > LongestExcerpt ? line[..LongestExcerpt] + "…" : line;
    }

    /// <summary>In words that the answer is a page for people, with its title; null where it is none.</summary>
    private string? Page(HttpReply reply)
    {
        string head = Encoding.UTF8.GetString(reply.Body.AsSpan(0, Math.Min(reply.Body.Length, LongestHead))).TrimStart('\uFEFF', ' ', '\t', '\r', '\n');
        if (!PageBeginnings.Any(b => head.StartsWith(b, StringComparison.OrdinalIgnoreCase))) return null;
        string title = Excerpt(WebUtility.HtmlDecode(Title().Match(head).Groups[1].Value));
        return "an HTML page instead of a picture" + (title.Length > 0 ? $": \"{title}\"" : "");
    }

    /// <summary>What to change where the service does not take the request.</summary>
    private string Remedy(HttpReply reply)
    {
        string said = Encoding.UTF8.GetString(reply.Body);
        if (service.Description.Preset == HttpPreset.OpenAiImages2023 && said.Contains("response_format", StringComparison.Ordinal))
            return "Use the preset \"openai-images\": today's image models take no response_format.";
        return service.Body.Uses("width") && Size().IsMatch(said)
            ? "Set \"width\" and \"height\" in the description to a size that the service takes."
            : "Correct the description.";
    }

    private string Said(HttpReply reply)
    {
        string? message = TryJson(reply) is { } json
            ? MessagePaths.Select(p => JsonPath.TryParse(p)!.Find(json)).FirstOrDefault(m => m?.ValueKind == JsonValueKind.String)?.GetString()
            : null;
        string said = Excerpt(message ?? Encoding.UTF8.GetString(reply.Body));
        return said.Length == 0 ? "" : $": {said.TrimEnd('.')}";
    }

    [GeneratedRegex("<title[^>]{0,200}>([^<]{0,1000})", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Title();

    [GeneratedRegex(@"\b(size|width|height)\b", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Size();

    [GeneratedRegex(@"[\s\p{C}]+")]
    private static partial Regex Blank();
}
