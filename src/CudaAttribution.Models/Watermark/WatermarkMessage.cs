using System.Globalization;
using System.Numerics;
using CudaAttribution.Runs;
using CudaAttribution.Tensors;

namespace CudaAttribution.Models.Watermark;

/// <summary>The 32 bits that an owner's pictures carry, written as 8 hexadecimal digits, the first bit first.</summary>
/// <param name="Value">The bits, the first the most significant.</param>
public readonly record struct WatermarkMessage(uint Value)
{
    /// <exception cref="UserException">It is not 8 hexadecimal digits.</exception>
    public static WatermarkMessage Parse(string text) =>
        text.Length == 8 && uint.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint value)
            ? new WatermarkMessage(value)
            : throw new UserException($"'{text}' is no message of {WatermarkConfig.Bits} bits", "Write 8 hexadecimal digits, such as 5f3a91c4.");

    /// <summary>Message <paramref name="index"/> of a seed.</summary>
    public static WatermarkMessage Draw(ulong seed, ulong index = 0) => new(Philox.Word(index, Philox.Stream("watermark.message"), seed));

    /// <summary>The bits that are 1 where a logit is above 0.</summary>
    /// <param name="logits">32 of them.</param>
    public static WatermarkMessage FromLogits(ReadOnlySpan<float> logits)
    {
        uint value = 0;
        foreach (float logit in logits) value = (value << 1) | (logit > 0 ? 1u : 0u);
        return new WatermarkMessage(value);
    }

    /// <summary>How many of the 32 bits two messages have in common.</summary>
    public int Matches(WatermarkMessage other) => WatermarkConfig.Bits - BitOperations.PopCount(Value ^ other.Value);

    /// <summary>Writes the bits as 0 and 1.</summary>
    /// <param name="bits">Gets 32 numbers.</param>
    public void Write(Span<float> bits)
    {
        for (int i = 0; i < WatermarkConfig.Bits; i++) bits[i] = (Value >> (WatermarkConfig.Bits - 1 - i)) & 1;
    }

    public override string ToString() => Value.ToString("x8", CultureInfo.InvariantCulture);
}
