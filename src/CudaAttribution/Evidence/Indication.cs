using System.Text.Json.Serialization;
using CudaAttribution.Answers;
using CudaAttribution.Populations;
using CudaAttribution.Statistics;

namespace CudaAttribution.Evidence;

/// <summary>A count of a suspect's answers, ranked among reference innocents. It makes no verdict (docs/method.md "Indications").</summary>
/// <param name="Name">What is counted.</param>
/// <param name="Count">How many.</param>
/// <param name="Trials">Of how many keys.</param>
/// <param name="Share">Their share.</param>
/// <param name="Interval">Clopper-Pearson interval of the share.</param>
/// <param name="PValue">
/// The largest rank p of <see cref="InnocentFamilies.Required"/>; null where a family has too few members, or too many answers are unusable.
/// </param>
/// <param name="WithoutP">Why there is none.</param>
/// <param name="Families">Ranks in the required families, all of them, then in further ones that have members.</param>
/// <param name="ModelBased">Range of beta-binomial tails over the required families; not a p-value. Null without references, or without usable answers.</param>
public sealed record Indication(
    string Name, int Count, int Trials, double Share, ShareInterval Interval, double? PValue, string? WithoutP, IReadOnlyList<FamilyRank> Families,
    ModelTail? ModelBased)
{
    /// <summary>Answers within δ0 of the key's reference.</summary>
    public const string Conf = "conf";

    /// <summary>Answers within the threshold that CAL innocents give.</summary>
    public const string ConfCalibrated = "conf-calibrated";

    /// <summary>Answers that are closer to the source's picture than to the real one.</summary>
    public const string Paired = "paired";

    /// <summary>Ranks in the required families.</summary>
    [JsonIgnore]
    public IEnumerable<FamilyRank> Required => Families.Take(InnocentFamilies.Required.Count);

    /// <param name="name">What is counted.</param>
    /// <param name="count">The suspect's count.</param>
    /// <param name="trials">Keys.</param>
    /// <param name="references">Counts of the NULL innocents with their families.</param>
    /// <param name="options">Levels.</param>
    /// <param name="usability">Of the suspect's answers.</param>
    internal static Indication Of(
        string name, int count, int trials, IEnumerable<(InnocentFamily Family, int Count)> references, AttributionOptions options,
        Usability usability)
    {
        var counts = references.ToLookup(r => r.Family, r => r.Count);
        FamilyRank[] required = [.. InnocentFamilies.Required.Select(Rank)];
        FamilyRank[] families =
            [.. required, .. Enum.GetValues<InnocentFamily>().Except(InnocentFamilies.Required).Where(counts.Contains).Select(Rank)];
        string? without = usability.TooMany ? usability.ToString() : TooFew(required);
        return new(
            name, count, trials, (double)count / trials, ShareInterval.ClopperPearson(count, trials, options.IntervalLevel),
            without is null ? required.Max(f => f.PValue) : null,
            without,
            usability.TooMany ? [.. families.Select(f => f with { PValue = null })] : families,
            usability.TooMany ? null : ModelTail.Of(required.Select(f => f.Counts), count, trials));

        FamilyRank Rank(InnocentFamily family) => FamilyRank.Of(family.Name(), [.. counts[family]], count, options.Alpha);
    }

    private static string? TooFew(FamilyRank[] required)
    {
        var lacking = required.Where(f => !f.Enough).ToArray();
        if (lacking.Length == 0) return null;
        return required.All(f => f.References == 0)
            ? "there are no references"
            : "too few references: " + string.Join("; ", lacking.Select(f => f.References == 0
                ? $"{f.Family} m = 0"
                : FormattableString.Invariant($"{f.Family} m = {f.References}, floor {f.Floor:0.###}")));
    }
}
