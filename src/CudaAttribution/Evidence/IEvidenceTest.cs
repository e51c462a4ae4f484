using CudaAttribution.Keys;
using CudaAttribution.Statistics;

namespace CudaAttribution.Evidence;

/// <summary>What a test of a suspect's answers to frozen keys is given. It asks nobody and measures nothing.</summary>
/// <param name="Keys">The keys.</param>
/// <param name="Outcomes">How far the suspect's answers are from the pictures of each key, in the order of the keys.</param>
/// <param name="Nulls">The same of the reference innocents.</param>
/// <param name="Options">Level, power and the like, fixed beforehand.</param>
public sealed record Examination(KeySet Keys, IReadOnlyList<KeyOutcome> Outcomes, NullTable Nulls, AttributionOptions Options);

/// <summary>What a test found.</summary>
/// <param name="Name">The test.</param>
/// <param name="Test">Count, p-value and the families behind it.</param>
/// <param name="Interval">Clopper-Pearson interval of the share.</param>
/// <param name="Detectable">What a test of this size could have seen.</param>
public sealed record TestResult(string Name, NullTest Test, ShareInterval Interval, Detectability Detectable)
{
    public double Share => (double)Test.Count / Test.Trials;
}

/// <summary>A test of the null hypothesis that the suspect is innocent.</summary>
public interface IEvidenceTest
{
    string Name { get; }

    TestResult Run(Examination examination);
}
