using System.Text.Json.Serialization;
using CudaAttribution.Keys;
using CudaAttribution.Populations;
using CudaAttribution.Runs;

namespace CudaAttribution.Evidence;

/// <summary>What one reference innocent answered to the frozen keys. Arrays are in the order of the keys.</summary>
/// <param name="Name">The innocent.</param>
/// <param name="Family">Its family.</param>
/// <param name="Split">CAL or NULL.</param>
/// <param name="Identity">Its identity.</param>
/// <param name="Distances">Distance of each answer from the key's reference.</param>
/// <param name="ToTraining">Distance of each answer from the training picture.</param>
/// <param name="ToMedoid">Distance of each answer from the source's medoid.</param>
/// <param name="Hits">Keys of conf within δ0.</param>
/// <param name="PairedWins">Keys of the paired test closer to the source's medoid than to the training picture.</param>
/// <param name="Failures">Answers that never came; they count as misses.</param>
public sealed record NullModel(
    string Name, InnocentFamily Family, InnocentSplit Split, string Identity, IReadOnlyList<double> Distances, IReadOnlyList<double> ToTraining,
    [property: JsonPropertyName("to_source")] IReadOnlyList<double> ToMedoid, int Hits, int PairedWins, int Failures)
{
    /// <summary>Hits at another threshold.</summary>
    public int HitsAt(double threshold, IReadOnlyList<Key> keys) => keys.Zip(Distances).Count(p => p.First.ForConfidence && p.Second <= threshold);
}

/// <summary>The innocent null of one key set: the file <c>null.json</c>.</summary>
public sealed record NullTable
{
    public const string FileName = "null.json";
    private const string CurrentSchema = "cudattr-null-1";

    public string Schema { get; init; } = CurrentSchema;

    /// <summary>Hash of the key set that was asked; the attribution must use the same.</summary>
    public required string KeysetSha256 { get; init; }

    public required string Metric { get; init; }

    public required double Threshold { get; init; }

    public required ulong Seed { get; init; }

    public required IReadOnlyList<NullModel> Models { get; init; }

    public IEnumerable<NullModel> Of(InnocentSplit split) => Models.Where(m => m.Split == split);

    public static NullTable Load(string file)
    {
        var table = Json.Read<NullTable>(file, "null table");
        Json.CheckSchema(table.Schema, CurrentSchema, file);
        return table;
    }

    /// <summary>Refuses a table that was not made with these keys, that was edited, or in which a model serves twice.</summary>
    /// <exception cref="UserException">Which rule is broken and by what.</exception>
    public void Check(KeySet keys)
    {
        if (KeysetSha256 != keys.Hash)
        {
            throw new UserException(
                $"the null table was made with key set {Short(KeysetSha256)}, the keys given are {Short(keys.Hash)}",
                "Score the innocents with these keys.");
        }
        if (Metric != keys.Header.Metric || Threshold != keys.Header.Threshold)
            throw new UserException(
                $"the null table says {Metric} at {Threshold}, the keys {keys.Header.Metric} at {keys.Header.Threshold}",
                "Score the innocents again.");
        if (Models.Count == 0) throw new UserException("the null table has no innocents", "Score at least one innocent.");
        CheckIdentities(Models.Select(m => (m.Name, m.Split, m.Identity)), keys);
        foreach (var m in Models) CheckFigures(m, keys);
    }

    /// <summary>No double dipping: a model that shaped the keys, or that is counted already, cannot stand in the null.</summary>
    /// <exception cref="UserException">Which model.</exception>
    internal static void CheckIdentities(IEnumerable<(string Name, InnocentSplit Split, string Identity)> models, KeySet keys)
    {
        var seen = new Dictionary<string, string>();
        foreach (var (name, split, identity) in models)
        {
            string? problem =
                split == InnocentSplit.Sel || keys.Header.SelIdentities.Contains(identity) ? "was used to select these keys (SEL)"
                : identity == keys.Header.SourceIdentity ? "is the source itself"
                : seen.TryGetValue(identity, out string? other) ? $"is the same model as '{other}'"
                : null;
            if (problem is not null)
                throw new UserException(
                    $"the innocent '{name}' {problem}", $"Take it out of {split.Name()}: its counts would make the p-values wrong.");
            seen.Add(identity, name);
        }
    }

    private static void CheckFigures(NullModel m, KeySet keys)
    {
        bool complete = m.Distances.Count == keys.Keys.Count && m.ToTraining.Count == keys.Keys.Count && m.ToMedoid.Count == keys.Keys.Count;
        if (!complete
            || m.Hits != m.HitsAt(keys.Header.Threshold, keys.Keys)
            || m.PairedWins != Enumerable.Range(0, keys.Keys.Count).Count(i => keys.Keys[i].ForPaired && m.ToMedoid[i] < m.ToTraining[i])
            || m.Distances.Where((d, i) => d != (keys.Keys[i].Reference == KeyReference.Training ? m.ToTraining[i] : m.ToMedoid[i])).Any())
        {
            throw new UserException(
                $"the figures of innocent '{m.Name}' do not agree with its distances", "The null table was edited; score the innocents again.");
        }
    }

    private static string Short(string hash) => hash.Length > 12 ? hash[..12] + "…" : hash;
}
