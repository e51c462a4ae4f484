namespace CudaAttribution.Statistics;

/// <summary>
/// What fitted beta-binomials say of a count where there are too few references for ranks: model-based, and no p-value. It is as good as the fit of a
/// few counts, and has been seen to accuse innocents several times as often as it says (docs/method.md "What an indication cannot carry").
/// </summary>
/// <param name="PLow">The smallest tail P(B ≥ count) over families and plausible concentrations.</param>
/// <param name="PHigh">The largest.</param>
public sealed record ModelTail(double PLow, double PHigh)
{
    /// <summary>
    /// The range for one count; null without references. Each family is fitted with a pseudo-model added: one more model with the largest count seen,
    /// and at least 1, so that references without any hit do not turn a first hit into proof.
    /// </summary>
    /// <param name="families">Counts of the references, family by family; families without any are left out.</param>
    /// <param name="count">The suspect's count.</param>
    /// <param name="trials">Keys.</param>
    public static ModelTail? Of(IEnumerable<IReadOnlyList<int>> families, int count, int trials)
    {
        double[] tails =
        [
            .. families.Where(f => f.Count > 0)
                .SelectMany(f => BetaBinomialFit.Plausible([.. f, Math.Max(1, f.Max())], trials)).Select(law => law.Survival(count)),
        ];
        return tails.Length == 0 ? null : new(tails.Min(), tails.Max());
    }
}
