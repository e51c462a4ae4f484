using System.Security.Cryptography;
using System.Text;

namespace CudaAttribution.Remote;

/// <summary>One complete answer.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Body">The whole body.</param>
/// <param name="RetryAfter">How long the service asks to wait.</param>
internal sealed record HttpReply(int Status, byte[] Body, TimeSpan? RetryAfter)
{
    /// <summary>The body as evidence: as it came, or without the secrets that it repeats.</summary>
    public required byte[] Kept { get; init; }

    /// <summary>Whether the body repeats a secret.</summary>
    public required bool Scrubbed { get; init; }

    public string KeptSha256 => Convert.ToHexStringLower(SHA256.HashData(Kept));

    /// <param name="status">HTTP status.</param>
    /// <param name="body">The whole body.</param>
    /// <param name="retryAfter">How long the service asks to wait.</param>
    /// <param name="scrub">Removes secrets, which are ASCII, from text.</param>
    public static HttpReply Of(int status, byte[] body, TimeSpan? retryAfter, Func<string, string> scrub)
    {
        // Latin-1 gives every byte a character and back.
        string text = Encoding.Latin1.GetString(body), clean = scrub(text);
        bool scrubbed = clean != text;
        return new(status, body, retryAfter) { Kept = scrubbed ? Encoding.Latin1.GetBytes(clean) : body, Scrubbed = scrubbed };
    }
}
