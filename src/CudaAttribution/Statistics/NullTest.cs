namespace CudaAttribution.Statistics;

/// <summary>A count tested against every family of innocents: the largest p-value counts.</summary>
/// <param name="Count">The suspect's count.</param>
/// <param name="Trials">Keys.</param>
/// <param name="PValue">Maximum over families; null where no family has a reference, in which case nothing is shown.</param>
/// <param name="Families">Every family's own figures.</param>
/// <param name="CriticalCount">The smallest count with p ≤ α; null where no count reaches it.</param>
public sealed record NullTest(int Count, int Trials, double? PValue, IReadOnlyList<FamilyPValue> Families, int? CriticalCount)
{
    /// <summary>Runs the test at level <paramref name="alpha"/>.</summary>
    public static NullTest Run(IReadOnlyList<FamilyNull> families, int count, int trials, double alpha)
    {
        var tested = families.Select(f => f.Test(count, alpha)).ToArray();
        return new(count, trials, tested.Length == 0 ? null : tested.Max(f => f.PValue), tested, Critical(families, trials, alpha));
    }

    /// <summary>The family whose p-value decides; null without references.</summary>
    public FamilyPValue? Decisive() => Families.MaxBy(f => f.PValue);

    private static int? Critical(IReadOnlyList<FamilyNull> families, int trials, double alpha)
    {
        if (families.Count == 0) return null;
        for (int h = 0; h <= trials; h++)
        {
            if (families.All(f => f.Test(h, alpha).PValue <= alpha)) return h;
        }
        return null;
    }
}
