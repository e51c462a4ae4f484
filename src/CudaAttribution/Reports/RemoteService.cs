using System.Globalization;
using CudaAttribution.Evidence;
using CudaAttribution.Runs.Manifests;

namespace CudaAttribution.Reports;

/// <summary>The part of a report that says that the suspect is a service, which, and what asking it took.</summary>
internal static class RemoteService
{
    /// <summary>The section; empty for a suspect that is a model folder.</summary>
    public static string Section(AttributionResult result)
    {
        if (result.Remote is not { } r) return "";
        (string Name, string Value)[] rows =
        [
            ("address", $"{r.Method} {r.Host}{r.Path}"),
            ("protocol", r.Preset),
            ("identity", $"{result.SuspectIdentity}: SHA-256 of {r.IdentityOf}"),
            ("calls", $"{Count(r.Calls)}, of which {Count(r.Retries)} were retries"),
            ("queries", $"{Count(r.Pictures)} pictures, {Count(r.Refusals)} refusals, {Count(r.Failures)} failures"),
            ("decoys among them", Count(r.Decoys)),
            ("pictures of another size than the keys, resized", Count(r.Resized)),
            ("asked for and not done", r.Ignored ?? "nothing, as far as it says"),
            ("cost", r.Cost.ToString(CultureInfo.InvariantCulture)),
            ("query plan (SHA-256), written before the first query", r.PlanSha256 ?? ""),
        ];
        return $"""
            <h2>The service that was asked</h2>
            <p>The suspect is not a file but a service: it was asked over HTTP, and nothing is known of it but its answers. Every query stands in
            <code>{ServiceSummary.JournalFile}</code>, every picture as it came in <code>queries/</code>. {Noise(r)}</p>
            {Html.Table(["what", "value"], rows.Select(row => (IReadOnlyList<string>)[Html.Text(row.Name), $"<code>{Html.Text(row.Value)}</code>"]))}
            """;
    }

    private static string Noise(ServiceSummary r) => r.ExactNoise
        ? "Each query named its noise, as only this program's own server takes it."
        : "The service chose the noise, or was given a seed that differs with every query.";

    private static string Count(int value) => value.ToString(CultureInfo.InvariantCulture);
}
