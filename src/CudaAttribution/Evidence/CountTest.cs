using CudaAttribution.Keys;
using CudaAttribution.Populations;
using CudaAttribution.Statistics;

namespace CudaAttribution.Evidence;

/// <summary>Counts keys and compares the count with that of NULL innocents, family by family (<see cref="NullTest"/>).</summary>
public sealed class CountTest : IEvidenceTest
{
    private readonly IReadOnlyList<InnocentFamily> _families;
    private readonly Func<KeySet, int> _trials, _sourceCount;
    private readonly Func<KeySet, IReadOnlyList<KeyOutcome>, int> _count;
    private readonly Func<NullModel, KeySet, int> _innocentCount;

    private CountTest(
        string name, IReadOnlyList<InnocentFamily> families, Func<KeySet, int> trials, Func<KeySet, int> sourceCount,
        Func<KeySet, IReadOnlyList<KeyOutcome>, int> count, Func<NullModel, KeySet, int> innocentCount)
    {
        (Name, _families, _trials, _sourceCount) = (name, families, trials, sourceCount);
        (_count, _innocentCount) = (count, innocentCount);
    }

    /// <summary>paired: answers that are closer to the source's picture than to the real one.</summary>
    public static CountTest Paired { get; } = new(
        "paired", InnocentFamilies.Paired, keys => keys.PairedCount, keys => keys.Header.SourceRate.Paired,
        (keys, outcomes) => KeyExaminer.PairedWins(keys.Keys, outcomes), (model, _) => model.PairedWins);

    public string Name { get; }

    /// <summary>conf: answers within a threshold of the key's reference.</summary>
    public static CountTest Conf(double threshold) => new(
        "conf", InnocentFamilies.Confidence, keys => keys.ConfidenceCount, keys => keys.Header.SourceRate.Hits,
        (keys, outcomes) => KeyExaminer.Hits(keys.Keys, outcomes, threshold), (model, keys) => model.HitsAt(threshold, keys.Keys));

    public TestResult Run(Examination e)
    {
        int trials = _trials(e.Keys), count = _count(e.Keys, e.Outcomes);
        FamilyNull[] families =
        [
            .. _families
                .Select(f => (Family: f, Counts: e.Nulls.Of(InnocentSplit.Null).Where(m => m.Family == f).Select(m => _innocentCount(m, e.Keys)).ToArray()))
                .Where(f => f.Counts.Length > 0)
                .Select(f => new FamilyNull(f.Family.Name(), f.Counts, trials)),
        ];
        var test = NullTest.Run(families, count, trials, e.Options.Alpha);
        return new(
            Name, test, ShareInterval.ClopperPearson(count, trials, e.Options.IntervalLevel),
            Detectability.Of(families, test, (double)_sourceCount(e.Keys) / trials, e.Options.Power));
    }
}
