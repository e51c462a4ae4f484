using System.Globalization;
using CudaAttribution.Served;

namespace CudaAttribution.Verdicts;

/// <summary>The ground of a verdict in words.</summary>
internal static class VerdictWords
{
    public static string Of(
        Verdict verdict, string? obstacle, AuditPlan plan, ServedTest? ranks, IReadOnlyList<AuditTest> tests, int queries, double? detectable)
    {
        if (verdict == Verdict.NoVerdict) return Capital($"{obstacle}.");
        string often = $"at most once in {Number(1 / plan.Alpha)} audits";
        if (plan.Primary == PrimaryTest.SourceSwap)
        {
            var swap = tests.Single(t => t.Swap is not null).Swap!;
            string place = $"Of {swap.Scores.Count} models that could have been deployed just as well, the source is number "
                + $"{1 + swap.Scores.Skip(1).Count(s => s >= swap.Scores[0])} in likeness to the suspect, apart from what all have in common";
            double least = 1.0 / swap.Scores.Count;
            string floor = least > plan.Alpha ? $"With so few twins p cannot be below {least.ToString("0.###", CultureInfo.InvariantCulture)}: no suspect can be shown. " : "";
            return verdict == Verdict.Shown
                ? $"{place}. A suspect that does not depend on which of them was deployed is accused so {often}."
                : $"{place}: not rare enough (p = {swap.PValue.ToString("0.###", CultureInfo.InvariantCulture)}). {floor}That does not make it innocent.";
        }
        string found = $"of {ranks!.Ranks.Count} usable answers {ranks.FirstPlaces} are nearest to the picture that was served among "
            + $"{ranks.Candidates} that could have been ({Number(ranks.Ranks.Count / (double)ranks.Candidates)} by chance)";
        return verdict == Verdict.Shown
            ? Capital($"{found}. A model that depends on no served picture is accused so {often}.")
            : Capital($"{found}. {Detectable(detectable, queries)} That does not make the suspect innocent.");
    }

    private static string Detectable(double? share, int queries) => share is { } f
        ? $"A run of this size finds, nine times in ten, a model in which {Number(100 * f)} % or more of the tested pictures left such a trace."
        : $"Even a trace of every tested picture would not be found nine times in ten with {queries} queries.";

    private static string Capital(string text) => text.Length == 0 ? text : char.ToUpperInvariant(text[0]) + text[1..];

    private static string Number(double value) => value.ToString("0.#", CultureInfo.InvariantCulture);
}
