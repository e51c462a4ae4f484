namespace CudaAttribution.Data.Codecs;

/// <summary>The checksum of PNG chunks: CRC-32 with the polynomial 0x04c11db7, bits reversed.</summary>
internal static class PngCrc
{
    private const uint ReversedPolynomial = 0xedb88320;

    private static readonly uint[] Table = [.. Enumerable.Range(0, 256).Select(n => Enumerable.Range(0, 8).Aggregate((uint)n, (c, _) => Step(c)))];

    public static uint Of(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte b in bytes) crc = (crc >> 8) ^ Table[(byte)crc ^ b];
        return ~crc;
    }

    private static uint Step(uint crc) => (crc >> 1) ^ ((crc & 1) * ReversedPolynomial);
}
