using System.Text.Json;

namespace CudaAttribution.Tests.Statistics;

/// <summary>Figures of Python's standard library; build/oracle/make_indication_golden.py.</summary>
internal static class IndicationGolden
{
    private static readonly JsonElement Root = JsonDocument.Parse(
        File.ReadAllText(Path.Combine(Repository.Root, "tests", "golden", "indications.json"))).RootElement;

    public static JsonElement[] Cases(string name) => [.. Root.GetProperty(name).EnumerateArray()];
}
