using CudaAttribution.Populations;
using CudaAttribution.Runs.Manifests;

namespace CudaAttribution.Reports;

/// <summary>What a report shows besides the figures.</summary>
/// <param name="Run">The run, as far as it is known before the report is written.</param>
/// <param name="LossCurves">Losses of suspects that were trained here; empty for strangers.</param>
public sealed record ReportContext(RunManifest Run, IReadOnlyList<LossCurve> LossCurves)
{
    /// <summary>The page of a run, in its folder.</summary>
    public const string FileName = "report.html";
}
