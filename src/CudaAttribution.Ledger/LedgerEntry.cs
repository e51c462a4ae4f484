namespace CudaAttribution.Ledger;

/// <summary>One finished run.</summary>
/// <param name="Id">First twelve hex digits of the manifest's hash.</param>
/// <param name="Time">When it finished.</param>
/// <param name="Command">What it did.</param>
/// <param name="Outcome">What came of it, in a word or two; null for runs that have nothing to say.</param>
/// <param name="Figures">The outcome's figures by name; none where there is no outcome.</param>
/// <param name="Folder">Where it is.</param>
/// <param name="ManifestHash">SHA-256 of its manifest.json.</param>
public sealed record LedgerEntry(
    string Id, DateTimeOffset Time, string Command, string? Outcome, IReadOnlyDictionary<string, double> Figures, string Folder, string ManifestHash)
{
    /// <summary>A figure of the outcome; null where there is none of this name.</summary>
    public double? Figure(string name) => Figures.TryGetValue(name, out double value) ? value : null;
}

/// <summary>What came of a run.</summary>
/// <param name="Outcome">In a word or two.</param>
/// <param name="Figures">What it rests on, by name.</param>
public sealed record LedgerOutcome(string Outcome, IReadOnlyDictionary<string, double> Figures);
