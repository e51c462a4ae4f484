using System.Globalization;

namespace CudaAttribution.Reports.Charts;

/// <summary>Axis ticks at 1, 2 or 5 times a power of ten, labelled with as many decimals as their step needs.</summary>
internal sealed class Ticks
{
    private readonly string _format;

    /// <param name="low">Start of the axis.</param>
    /// <param name="high">End of the axis, above <paramref name="low"/>.</param>
    /// <param name="about">About how many ticks.</param>
    /// <param name="percent">Label shares as percentages.</param>
    public Ticks(double low, double high, int about = 6, bool percent = false)
    {
        double raw = (high - low) / Math.Max(1, about), power = Math.Pow(10, Math.Floor(Math.Log10(raw)));
        double step = (raw / power) switch { < 1.5 => power, < 3.5 => 2 * power, < 7.5 => 5 * power, _ => 10 * power };
        int first = (int)Math.Ceiling(low / step - 1e-9), last = (int)Math.Floor(high / step + 1e-9);
        Values = [.. Enumerable.Range(first, last - first + 1).Select(i => i * step)];
        int decimals = Math.Max(0, -(int)Math.Floor(Math.Log10(percent ? step * 100 : step) + 1e-9));
        _format = percent ? $"0.{new string('0', decimals)} %" : $"#,0.{new string('0', decimals)}";
        Percent = percent;
    }

    public double[] Values { get; }

    private bool Percent { get; }

    public string Label(double value) => Percent
        ? (value * 100).ToString(_format.Replace(" %", "", StringComparison.Ordinal), CultureInfo.InvariantCulture) + " %"
        : value.ToString(_format, CultureInfo.InvariantCulture);
}
