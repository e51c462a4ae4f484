namespace CudaAttribution.Tensors.Weights;

/// <summary>What a file of weights can be, told by its first bytes.</summary>
internal static class FileFormats
{
    private const string Convert =
        "convert it with PyTorch, where its author is trusted: torch.save(torch.load('OLD', map_location='cpu'), 'NEW')";

    private const int TarMagicAt = 257;

    /// <summary>
    /// The pickled number by which <c>torch.save</c> before 1.6 marked its files, without the byte that says the pickle's protocol.
    /// </summary>
    private static ReadOnlySpan<byte> LegacyMagic => [0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e];

    public static bool IsZip(WeightStream file) => StartsWith(file, 0, "PK\x3\x4"u8);

    /// <summary>Whether the file begins as safetensors: eight bytes of length, then a JSON object.</summary>
    public static bool IsSafetensors(WeightStream file) =>
        StartsWith(file, SafetensorsHeader.LengthBytes, "{"u8) && file.Read(4, 4).AsSpan().IndexOfAnyExcept((byte)0) < 0;

    /// <summary>What a file is that this program does not read, and what to do; null where it is of no kind that is known.</summary>
    public static string? Explain(WeightStream file)
    {
        if (file.Length == 0) return "the file is empty";
        if (StartsWith(file, 2, LegacyMagic)) return $"files of torch.save before PyTorch 1.6 are not supported; {Convert}";
        if (StartsWith(file, TarMagicAt, "ustar"u8)) return $"the tar files of the first versions of PyTorch are not supported; {Convert}";
        if (StartsWith(file, 0, "version https://git-lfs"u8)) return "it is a pointer of Git LFS, not the file itself: fetch it with 'git lfs pull'";
        if (StartsWith(file, 0, "<!DOCTYPE"u8) || StartsWith(file, 0, "<html"u8)) return "it is a web page, not a file of weights: download it again";
        return StartsWith(file, 0, [0x80]) && !IsSafetensors(file) ? $"it is a bare pickle, which is not supported; {Convert}" : null;
    }

    private static bool StartsWith(WeightStream file, int at, ReadOnlySpan<byte> magic) =>
        file.Length >= at + magic.Length && file.Read(at, magic.Length).AsSpan().SequenceEqual(magic);
}
