using CudaAttribution.Models.Configuration;

namespace CudaAttribution.Models.Watermark;

/// <summary>The two networks of a watermark of <see cref="Bits"/> bits in square pictures.</summary>
public sealed record WatermarkConfig
{
    /// <summary>Bits of a message.</summary>
    public const int Bits = 32;

    /// <summary>Side of the pictures, a multiple of 16: JPEG's blocks with colours of half the resolution.</summary>
    public int Size { get; init; } = 32;

    /// <summary>Channels inside the encoder.</summary>
    public int EncoderWidth { get; init; } = 32;

    /// <summary>Channels behind each block of the decoder; each block halves the side, and the last has at least one pixel.</summary>
    public IReadOnlyList<int> DecoderWidths { get; init; } = [32, 64, 64, 64, 64];

    /// <summary>Groups of every norm; it divides all widths.</summary>
    public int Groups { get; init; } = 4;

    /// <summary>Amplitude of a finished mark: the most that a pixel of [0, 1] changes by. Training comes down to it.</summary>
    public double Amplitude { get; init; } = 8.0 / 255;

    /// <summary>What keeps the values from being a network, in words; null where nothing does.</summary>
    public string? Problem()
    {
        if (Size is < 16 or > 4096 || Size % 16 != 0) return $"size is {Size}, it must be a multiple of 16, up to 4096";
        if (DecoderWidths.Count == 0) return "decoder_widths is empty, it must have a width for each block";
        if (Groups < 1) return $"groups is {Groups}, it must be positive";
        if (DecoderWidths.Prepend(EncoderWidth).FirstOrDefault(w => w < 1 || w % Groups != 0, -1) is var bad and not -1)
            return $"a width is {bad}, it must be a positive multiple of groups, {Groups}";
        if (Size >> DecoderWidths.Count < 1)
        {
            return $"decoder_widths has {DecoderWidths.Count} blocks, each halves the side of {Size} pixels: at most {int.Log2(Size)} leave one";
        }
        if (!(Amplitude is > 0 and <= 1)) return FormattableString.Invariant($"amplitude is {Amplitude}, it must lie in (0, 1]");
        return null;
    }

    /// <exception cref="ModelFileException">A value makes no sense; the message names it.</exception>
    internal void Validate(string source)
    {
        if (Problem() is { } problem) throw new ModelFileException($"{source}: {problem}");
    }
}
