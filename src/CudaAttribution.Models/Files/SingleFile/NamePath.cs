using System.Globalization;

namespace CudaAttribution.Models.Files.SingleFile;

/// <summary>Helpers for dotted names of weights.</summary>
internal static class NamePath
{
    /// <summary>A number as a name has it, <c>0</c> or without leading zeros; -1 for anything else.</summary>
    public static int Index(string segment) =>
        (segment.Length == 1 || !segment.StartsWith('0')) && int.TryParse(segment, NumberStyles.None, CultureInfo.InvariantCulture, out int value)
            ? value
            : -1;

    public static string Join(string head, ReadOnlySpan<string?> rest) => rest.IsEmpty ? head : $"{head}.{string.Join('.', rest)}";
}
