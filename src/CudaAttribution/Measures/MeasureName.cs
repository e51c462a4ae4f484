namespace CudaAttribution.Measures;

/// <summary>
/// The name of a measure in files: its kind, and for a measure of a descriptor <c>@</c> and the first 32 hexadecimal digits of the descriptor's
/// SHA-256, <c>sscd@0123456789abcdef0123456789abcdef</c>.
/// </summary>
/// <param name="Kind"><c>px</c>, <c>sscd</c> and so on.</param>
/// <param name="Descriptor">The digits; null where none are given.</param>
public readonly record struct MeasureName(string Kind, string? Descriptor)
{
    private const int Digits = 32;

    public static MeasureName Parse(string name) => name.IndexOf('@', StringComparison.Ordinal) is var at and >= 0
        ? new(name[..at], name[(at + 1)..])
        : new(name, null);

    /// <summary>The full name of a measure of a descriptor.</summary>
    public static string Of(string kind, string identity) => $"{kind}@{identity[..Digits]}";

    /// <summary>Whether the part behind the kind can be a descriptor's.</summary>
    internal bool IsWellFormed => Descriptor is null || (Descriptor.Length == Digits && Descriptor.All(char.IsAsciiHexDigitLower));
}
