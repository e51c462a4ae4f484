namespace CudaAttribution.Runs.Ledger;

/// <summary>One finished run.</summary>
/// <param name="Id">First twelve hex digits of the manifest's hash.</param>
/// <param name="Time">When it finished.</param>
/// <param name="Command">What it did.</param>
/// <param name="Verdict">Its verdict; null for runs that judge nobody.</param>
/// <param name="Conf">Its conf.</param>
/// <param name="PValue">Its p-value.</param>
/// <param name="Folder">Where it is.</param>
/// <param name="ManifestHash">SHA-256 of its manifest.json.</param>
public sealed record LedgerEntry(
    string Id, DateTimeOffset Time, string Command, string? Verdict, double? Conf, double? PValue, string Folder, string ManifestHash);

/// <summary>What a run that judged somebody found.</summary>
/// <param name="Verdict">The verdict.</param>
/// <param name="Conf">Share of the keys that were hit.</param>
/// <param name="PValue">The p-value the verdict rests on.</param>
public sealed record LedgerVerdict(string Verdict, double Conf, double PValue);
