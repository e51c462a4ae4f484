using System.Text.Json;

namespace CudaAttribution.Tests.Statistics;

/// <summary>Figures of scikit-learn and numpy; build/oracle/make_discriminator_golden.py.</summary>
internal static class ClassifierGolden
{
    private static readonly JsonElement Root = JsonDocument.Parse(
        File.ReadAllText(Path.Combine(Repository.Root, "tests", "golden", "discriminator.json"))).RootElement;

    public static JsonElement[] Cases(string name) => [.. Root.GetProperty(name).EnumerateArray()];

    public static double[] Numbers(this JsonElement element, string name) => [.. element.GetProperty(name).EnumerateArray().Select(v => v.GetDouble())];

    public static int[] Indices(this JsonElement element, string name) => [.. element.GetProperty(name).EnumerateArray().Select(v => v.GetInt32())];
}
