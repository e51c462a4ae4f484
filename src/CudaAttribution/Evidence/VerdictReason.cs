using System.Globalization;
using CudaAttribution.Answers;
using CudaAttribution.Keys;
using CudaAttribution.Statistics;

namespace CudaAttribution.Evidence;

/// <summary>The verdict's ground in words.</summary>
internal static class VerdictReason
{
    public static string Of(NullTest conf, NullTest paired, KeySetHeader keys, double alpha)
    {
        string level = Number(alpha);
        string resembles = $"The suspect answers {conf.Count} of {conf.Trials} keys within {Number(keys.Threshold)} of the reference pictures";
        string closer = $"{paired.Count} of {paired.Trials} answers are closer to the source's own pictures than to the real pictures "
            + "the source was trained on";
        if (conf.PValue is not { } p)
            return $"{resembles}, but the null table has no innocents to compare that with: build and score NULL innocents of the families of conf.";
        if (p > alpha) return $"{resembles}; innocent models reach that too often (p = {Number(p)}, needed {level}).";
        if (paired.PValue is not { } q)
        {
            return $"{resembles} (p = {Number(p)}), but it cannot be told whether that comes from the source's output or from its data: "
                + "the null table has no innocents trained on real pictures of the source's set.";
        }
        return q > alpha
            ? $"{resembles} (p = {Number(p)}), but that {closer} is not unusual for models trained on real pictures of the same set "
                + $"(p = {Number(q)}, needed {level}): the likeness can come from the same real pictures."
            : $"{resembles} (p = {Number(p)}), and {closer} (p = {Number(q)}): both tests reject innocence at level {level}.";
    }

    public static string None(Usability usability) => $"{usability.ToString().TrimEnd('.')}. What is left is no ground for a verdict.";

    private static string Number(double value) => value.ToString(value is 0 or >= 0.001 ? "0.###" : "0.#e-0", CultureInfo.InvariantCulture);
}
