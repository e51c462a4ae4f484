namespace CudaAttribution.Statistics;

/// <summary>A suspect's count among those of one family of innocents (docs/method.md "Indications").</summary>
/// <param name="Family">The family.</param>
/// <param name="References">m, its members.</param>
/// <param name="Counts">Their counts, in the order of the null table.</param>
/// <param name="PValue">
/// (1 + #{count of a reference ≥ the suspect's}) / (m + 1) (Phipson and Smyth 2010), exact where an innocent suspect is exchangeable with the family;
/// null where the suspect's answers are no ground for any.
/// </param>
/// <param name="Floor">The smallest value that it can have, 1 / (m + 1).</param>
/// <param name="Enough">Whether the floor is at most α: m ≥ ⌈1/α⌉ − 1.</param>
public sealed record FamilyRank(string Family, int References, IReadOnlyList<int> Counts, double? PValue, double Floor, bool Enough)
{
    public static FamilyRank Of(string family, IReadOnlyList<int> counts, int count, double alpha)
    {
        double models = counts.Count + 1;
        return new(family, counts.Count, counts, (1 + counts.Count(c => c >= count)) / models, 1 / models, 1 / models <= alpha);
    }
}
