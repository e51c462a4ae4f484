using System.IO.Compression;

namespace CudaAttribution.Remote;

/// <summary>Unpacks answers that a service compressed without being asked.</summary>
internal static class ContentCoding
{
    private const int ReadSize = 81_920;

    /// <summary>Takes off every coding, the last first.</summary>
    /// <param name="body">The body as it came.</param>
    /// <param name="codings">Names in Content-Encoding, in their order.</param>
    /// <param name="limit">Most bytes that any step may give.</param>
    /// <param name="problem">Why it cannot be unpacked; null where it was.</param>
    public static byte[] Decode(byte[] body, IEnumerable<string> codings, long limit, out string? problem)
    {
        problem = null;
        foreach (string coding in codings.Reverse())
        {
            if (coding.Equals("identity", StringComparison.OrdinalIgnoreCase)) continue;
            try
            {
                using var stream = Open(body, coding);
                if (stream is null) problem = $"the answer is compressed as '{coding}', which was not asked for and is not read";
                else body = Read(stream, limit, ref problem);
            }
            catch (Exception e) when (e is InvalidDataException or IOException or InvalidOperationException)
            {
                problem = $"the answer's {coding} data are damaged";
            }
            if (problem is not null) return [];
        }
        return body;
    }

    private static Stream? Open(byte[] body, string coding)
    {
        var packed = new MemoryStream(body, writable: false);
        return coding.ToLowerInvariant() switch
        {
            "gzip" or "x-gzip" => new GZipStream(packed, CompressionMode.Decompress),
            "br" => new BrotliStream(packed, CompressionMode.Decompress),
            // The standard means zlib's wrapping, some servers leave it out: deflate itself never begins as zlib does, with method 8 and a sound check.
            "deflate" when body.Length > 1 && (body[0] & 0xf) == 8 && ((body[0] << 8) + body[1]) % 31 == 0 =>
                new ZLibStream(packed, CompressionMode.Decompress),
            "deflate" => new DeflateStream(packed, CompressionMode.Decompress),
            _ => null,
        };
    }

    private static byte[] Read(Stream stream, long limit, ref string? problem)
    {
        using var plain = new MemoryStream();
        byte[] part = new byte[ReadSize];
        for (int n; (n = stream.Read(part)) > 0;)
        {
            if (plain.Length + n > limit)
            {
                problem = $"the answer unpacks to more than {limit >> 20} MiB (limits.max_response_mib)";
                return [];
            }
            plain.Write(part, 0, n);
        }
        return plain.ToArray();
    }
}
