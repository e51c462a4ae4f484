using System.Text.Json.Serialization;

namespace CudaAttribution.Verdicts;

/// <summary>What an audit says of a suspect (docs/method.md "Verdicts"). That a model is innocent is no verdict.</summary>
public enum Verdict
{
    /// <summary>The primary test of the committed plan rejects at the plan's level.</summary>
    [JsonStringEnumMemberName("shown")]
    Shown,

    /// <summary>It was run and did not.</summary>
    [JsonStringEnumMemberName("not shown")]
    NotShown,

    /// <summary>It could not be run as planned, or what it rests on did not hold.</summary>
    [JsonStringEnumMemberName("no verdict")]
    NoVerdict,
}
