using System.Text.Json.Serialization;
using CudaAttribution.Statistics;

namespace CudaAttribution.Verdicts;

/// <summary>What keeps the level over several suspects.</summary>
public enum Correction
{
    /// <summary>Nothing: each suspect is judged by itself, and of several innocent ones each is accused at the level.</summary>
    [JsonStringEnumMemberName("none")]
    None,

    /// <summary><see cref="Multiplicity.EBenjaminiHochberg"/>: of those that are shown, the expected share that should not be is at most the level.</summary>
    [JsonStringEnumMemberName("e-BH")]
    EBenjaminiHochberg,

    /// <summary><see cref="Multiplicity.Holm"/>: that any is shown that should not be happens at most at the level.</summary>
    [JsonStringEnumMemberName("Holm")]
    Holm,
}
