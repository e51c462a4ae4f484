using System.Globalization;
using CudaAttribution.Served;

namespace CudaAttribution.Verdicts;

/// <summary>The ground of a verdict in words.</summary>
internal static class VerdictWords
{
    public static string Of(Verdict verdict, string? obstacle, AuditPlan plan, ServedTest? ranks, int queries, double? detectable)
    {
        string found = ranks is null ? "" : $"of {ranks.Ranks.Count} usable answers {ranks.FirstPlaces} are nearest to the picture that was served among "
            + $"{ranks.Candidates} that could have been ({Number(ranks.Ranks.Count / (double)ranks.Candidates)} by chance)";
        return verdict switch
        {
            Verdict.NoVerdict => Capital($"{obstacle}."),
            Verdict.Shown => Capital($"{found}. A model that depends on no served picture is accused so at most once in {Number(1 / plan.Alpha)} audits."),
            _ => Capital($"{found}. {Detectable(detectable, queries)} That does not make the suspect innocent."),
        };
    }

    private static string Detectable(double? share, int queries) => share is { } f
        ? $"A run of this size finds, nine times in ten, a model in which {Number(100 * f)} % or more of the tested pictures left such a trace."
        : $"Even a trace of every tested picture would not be found nine times in ten with {queries} queries.";

    private static string Capital(string text) => text.Length == 0 ? text : char.ToUpperInvariant(text[0]) + text[1..];

    private static string Number(double value) => value.ToString("0.#", CultureInfo.InvariantCulture);
}
