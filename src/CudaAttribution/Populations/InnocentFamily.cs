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

    /// <summary>Fine-tuned on the very pictures the source was fine-tuned on. Lawful, and conf is high by nature.</summary>
    RealOwn,

    /// <summary>The source once more: fine-tuned on its very pictures with its own recipe, from another seed.</summary>
    Twin,
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

    /// <summary>Gives the ranks.</summary>
    [JsonStringEnumMemberName("NULL")]
    Null,
}

/// <summary>Families by what they are needed for.</summary>
public static class InnocentFamilies
{
    /// <summary>
    /// The families that an indication is ranked in, all of them: each explains a high count in another lawful way (docs/method.md "Indications").
    /// </summary>
    public static IReadOnlyList<InnocentFamily> Required { get; } =
        [InnocentFamily.RealOther, InnocentFamily.RealSame, InnocentFamily.RealOwn, InnocentFamily.Sibling, InnocentFamily.Twin];

    /// <summary>The families that calibrate the threshold of conf: models that never saw the source's real pictures either.</summary>
    public static IReadOnlyList<InnocentFamily> Confidence { get; } =
        [InnocentFamily.RealOther, InnocentFamily.RealSame, InnocentFamily.Sibling, InnocentFamily.Untouched];

    /// <summary>The family's name in files: <c>real-other</c> and so on.</summary>
    public static string Name(this InnocentFamily family) => family switch
    {
        InnocentFamily.RealOther => "real-other",
        InnocentFamily.RealSame => "real-same",
        InnocentFamily.Sibling => "sibling",
        InnocentFamily.Untouched => "untouched",
        InnocentFamily.RealOwn => "real-own",
        InnocentFamily.Twin => "twin",
        _ => throw new ArgumentOutOfRangeException(nameof(family), family, "unknown family"),
    };

    /// <summary>The split's name in files and messages.</summary>
    public static string Name(this InnocentSplit split) => split.ToString().ToUpperInvariant();
}
