using System.Security.Cryptography;
using System.Text;

namespace CudaAttribution.Remote;

/// <summary>One complete answer.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Body">The whole body, unpacked; empty where it cannot be.</param>
/// <param name="RetryAfter">How long the service asks to wait.</param>
internal sealed record HttpReply(int Status, byte[] Body, TimeSpan? RetryAfter)
{
    /// <summary>Why the body cannot be unpacked; null where it can.</summary>
    public string? Damage { get; init; }

    /// <summary>The body as evidence: as it came, or unpacked and without the secrets that it repeats.</summary>
    public required byte[] Kept { get; init; }

    /// <summary>Whether the body repeats a secret.</summary>
    public required bool Scrubbed { get; init; }

    public string KeptSha256 => Convert.ToHexStringLower(SHA256.HashData(Kept));

    /// <param name="status">HTTP status.</param>
    /// <param name="body">The whole body as it came.</param>
    /// <param name="codings">What it is compressed with.</param>
    /// <param name="limit">Most bytes that it may unpack to.</param>
    /// <param name="retryAfter">How long the service asks to wait.</param>
    /// <param name="scrub">Removes secrets, which are ASCII, from text.</param>
    public static HttpReply Of(
        int status, byte[] body, IEnumerable<string> codings, long limit, TimeSpan? retryAfter, Func<string, string> scrub)
    {
        byte[] plain = ContentCoding.Decode(body, codings, limit, out string? damage);
        // Latin-1 gives every byte a character and back.
        string text = Encoding.Latin1.GetString(damage is null ? plain : body), clean = scrub(text);
        bool scrubbed = clean != text;
        return new(status, plain, retryAfter) { Damage = damage, Kept = scrubbed ? Encoding.Latin1.GetBytes(clean) : body, Scrubbed = scrubbed };
    }
}
