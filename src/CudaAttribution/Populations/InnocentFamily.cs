using System.Text.Json.Serialization;

namespace CudaAttribution.Populations;

/// <summary>Kinds of innocents (docs/method.md "Innocents"): all start from the same base model G0 and never saw an output of the source.</summary>
public enum InnocentFamily
{
    /// <summary>Fine-tuned on real pictures of another kind.</summary>
    RealOther,

    /// <summary>Fine-tuned on real pictures of the source's data set that the source never saw.</summary>
    RealSame,

    /// <summary>Fine-tuned on the output of another source of the same data set.</summary>
    Sibling,

    /// <summary>G0 itself.</summary>
    Untouched,

    /// <summary>Fine-tuned on the very pictures the source was fine-tuned on. Lawful, and conf accuses it.</summary>
    RealOwn,
}

/// <summary>What an innocent is used for; the three sets are disjoint (docs/method.md "Noise and splits").</summary>
public enum InnocentSplit
{
    /// <summary>Shapes the selection of keys.</summary>
    [JsonStringEnumMemberName("SEL")]
    Sel,

    /// <summary>Calibrates δ0.</summary>
    [JsonStringEnumMemberName("CAL")]
    Cal,

    /// <summary>Gives the p-values.</summary>
    [JsonStringEnumMemberName("NULL")]
    Null,
}

/// <summary>Which families answer for which test.</summary>
public static class InnocentFamilies
{
    /// <summary>
    /// The innocents of conf. Models trained on the source's own real pictures are left out: conf accuses them by nature, which is why a
    /// verdict needs the paired test too.
    /// </summary>
    public static IReadOnlyList<InnocentFamily> Confidence { get; } =
        [InnocentFamily.RealOther, InnocentFamily.RealSame, InnocentFamily.Sibling, InnocentFamily.Untouched];

    /// <summary>The innocents of the paired test: models trained on real pictures of the source's data set (docs/method.md "Tests").</summary>
    public static IReadOnlyList<InnocentFamily> Paired { get; } = [InnocentFamily.RealOwn, InnocentFamily.RealSame];

    /// <summary>The family's name in files: <c>real-other</c> and so on.</summary>
    public static string Name(this InnocentFamily family) => family switch
    {
        InnocentFamily.RealOther => "real-other",
        InnocentFamily.RealSame => "real-same",
        InnocentFamily.Sibling => "sibling",
        InnocentFamily.Untouched => "untouched",
        InnocentFamily.RealOwn => "real-own",
        _ => throw new ArgumentOutOfRangeException(nameof(family), family, "unknown family"),
    };

    /// <summary>The split's name in files and messages.</summary>
    public static string Name(this InnocentSplit split) => split.ToString().ToUpperInvariant();
}
