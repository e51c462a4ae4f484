using System.Text.Json.Serialization;

namespace CudaAttribution.Keys;

/// <summary>How many candidates fell to which filter.</summary>
/// <param name="Candidates">Prompts that were tried.</param>
/// <param name="Unanswered">The source gave fewer than two pictures.</param>
/// <param name="NotDistinctive">An innocent comes within δ0 of the reference (n ≤ δ0).</param>
/// <param name="Inconsistent">The source's answers vary more than the largest dispersion allowed.</param>
/// <param name="NotDivergent">Medoid and training picture are closer than the least divergence asked for.</param>
/// <param name="Biased">Too many answers of SEL innocents are closer to the medoid than to the training picture.</param>
/// <param name="Duplicates">A better key has the same prompt, or its reference lies within δ0.</param>
/// <param name="Selected">Keys of conf.</param>
/// <param name="PairedOnly">Further keys that only the paired test uses.</param>
/// <param name="NotAskable">Prompts that were not tried: a suspect reads something else in them than text. Absent from the file where there are none.</param>
public sealed record SelectionReport(
    int Candidates, int Unanswered, int NotDistinctive, int Inconsistent, int NotDivergent, int Biased, int Duplicates, int Selected, int PairedOnly,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] int NotAskable = 0)
{
    /// <summary>The counts in words.</summary>
    public override string ToString() =>
        $"{Candidates} candidates: {Unanswered} unanswered by the source, {NotDistinctive} not distinctive (an innocent comes within the threshold), "
        + $"{Inconsistent} inconsistent, {NotDivergent} too close to the training picture, {Biased} biased towards the source's picture, "
        + $"{Duplicates} duplicates of a better key"
        + (NotAskable > 0 ? $"; {NotAskable} prompts were left out, which a suspect does not take as text" : "");
}
