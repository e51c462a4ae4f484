namespace CudaAttribution.Verdicts;

/// <summary>Where the parts of an audit lie in its folder.</summary>
public static class AuditPlaces
{
    public const string Trials = "trials", Twins = "twins";

    private const int LongestName = 40;

    /// <summary>The folder of a suspect: its number, and its name in characters that every file system takes.</summary>
    public static string OfSuspect(AuditPlan plan, int index) => $"suspects/{index + 1}-{Safe(plan.Suspects[index].Name)}";

    /// <summary>The folder of a control.</summary>
    public static string OfControl(AuditPlan plan, int index) => $"controls/{index + 1}-{Safe(plan.Controls[index].Name)}";

    private static string Safe(string name) =>
        string.Concat(name.Take(LongestName).Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_' ? c : '_'));
}
