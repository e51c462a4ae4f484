using CudaAttribution.Evidence;

namespace CudaAttribution.Experiments;

/// <summary>The demo's word for a suspect: what the published rule says of it.</summary>
public static class DemoVerdict
{
    public const string Accused = "accused";
    public const string NotAccused = "not accused";

    internal static string Of(AttributionResult result) => result.Published is { Accuses: true } ? Accused : NotAccused;
}
