using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CudaAttribution.Runs;

namespace CudaAttribution.Chain;

/// <summary>
/// The lines of a hash chain: <c>{"record":RECORD,"sha256":"HASH"}</c> and a line feed, where RECORD is canonical JSON and HASH = SHA-256(the hash
/// before, as 32 bytes ‖ RECORD), 64 hex digits. What is read is hashed as it is written, so that a change of any byte shows.
/// </summary>
internal static class ChainLines
{
    private const int LongestLine = 16 << 20;
    private static readonly byte[] Before = "{\"record\":"u8.ToArray(), Between = ",\"sha256\":\""u8.ToArray(), After = "\"}"u8.ToArray();
    private static readonly int AfterRecord = Between.Length + 2 * SHA256.HashSizeInBytes + After.Length;

    /// <summary>The line of a record, and the chain's new hash.</summary>
    public static (byte[] Line, byte[] Head) Write(JsonNode? record, ReadOnlySpan<byte> head)
    {
        byte[] text = Encoding.UTF8.GetBytes(CanonicalJson.Write(record));
        byte[] next = Next(head, text);
        return ([.. Line(text, next), (byte)'\n'], next);
    }

    /// <summary>The records of a chain, each with the hash and the number of bytes up to its end, checked as they are read.</summary>
    /// <param name="stream">The chain.</param>
    /// <param name="file">Its name, for messages.</param>
    /// <param name="head">What the chain begins with.</param>
    /// <param name="cutOff">Whether the last line may be the beginning of one, as a write leaves it that was cut off; it is then left out.</param>
    /// <exception cref="ChainException">A line does not fit.</exception>
    public static IEnumerable<(JsonElement Record, byte[] Head, long End)> Read(Stream stream, string file, byte[] head, bool cutOff)
    {
        var line = new MemoryStream();
        long end = 0;
        for (int number = 1; ; number++)
        {
            line.SetLength(0);
            int next;
            while ((next = stream.ReadByte()) is >= 0 and not '\n' && line.Length < LongestLine) line.WriteByte((byte)next);
            byte[] text = line.ToArray();
            if (next < 0 && text.Length == 0) yield break;
            end += text.Length + 1;
            if (next < 0 && cutOff && IsBeginning(text)) yield break;
            var record = Parse(text, ref head, file, number);
            if (next < 0 && cutOff) yield break;
            if (next != '\n') throw new ChainException("the last line does not end", file, number);
            yield return (record, head, end);
        }
    }

    private static JsonElement Parse(byte[] line, ref byte[] head, string file, int number)
    {
        if (line.Length < Before.Length + AfterRecord || !line.AsSpan().StartsWith(Before)) throw NoLine();
        byte[] text = line[Before.Length..^AfterRecord];
        head = Next(head, text);
        if (!line.AsSpan().SequenceEqual(Line(text, head)))
            throw new ChainException("this line, or what the chain begins with, is not what it was when the line was written", file, number);
        try
        {
            return OutsideJson.Read(text);
        }
        catch (JsonException e)
        {
            throw NoLine(e);
        }

        ChainException NoLine(Exception? inner = null) =>
            new("this is no line of a chain, {\"record\":…,\"sha256\":…}", file, number, inner);
    }

    private static byte[] Next(ReadOnlySpan<byte> head, byte[] record) => SHA256.HashData([.. head, .. record]);

    private static byte[] Line(byte[] record, byte[] hash) =>
        [.. Before, .. record, .. Between, .. Encoding.ASCII.GetBytes(Convert.ToHexStringLower(hash)), .. After];

    /// <summary>Whether JSON begins so, without an end and without a fault.</summary>
    private static bool IsBeginning(byte[] line)
    {
        var reader = new Utf8JsonReader(line, isFinalBlock: false, default);
        try
        {
            while (reader.Read())
            {
            }
            return reader.CurrentDepth > 0 || reader.TokenType == JsonTokenType.StartObject;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
