using System.Text.Json;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Manifests;

namespace CudaAttribution.Remote;

/// <summary>What a service is and what asking it took so far.</summary>
internal static class AskedService
{
    public static ServiceSummary Of(HttpService service, QueryJournal? journal)
    {
        var records = journal?.Records ?? [];
        return new ServiceSummary
        {
            Preset = JsonSerializer.SerializeToElement(service.Description.Preset, Json.Options).GetString()!,
            Method = service.Description.Method,
            Host = service.Endpoint.GetLeftPart(UriPartial.Authority),
            Path = service.Endpoint.AbsolutePath,
            IdentityOf = "the description of the service without secrets and limits; its weights are not known",
            ExactNoise = service.Description.ExactNoise,
            PlanSha256 = journal?.PlanSha256,
            Decoys = records.Count(r => r.Kind == QueryKind.Decoy),
            Calls = records.Sum(r => r.Calls),
            Retries = records.Sum(r => r.Calls - 1),
            Pictures = records.Count(r => r.Outcome == QueryOutcome.Picture),
            Refusals = records.Count(r => r.Outcome == QueryOutcome.Refused),
            Failures = records.Count(r => r.Outcome == QueryOutcome.Failed),
            Resized = records.Count(r => r.Resized),
            Ignored = string.Join("; ", records.SelectMany(r => r.Ignored ?? []).Distinct()) is { Length: > 0 } ignored ? ignored : null,
            Cost = records.Sum(r => r.Cost),
        };
    }
}
