using CudaAttribution.Files;

namespace CudaAttribution.Reports;

/// <summary>The losses of one training run, by step.</summary>
public sealed record LossCurve(string Name, IReadOnlyList<(int Step, double Loss)> Losses);

/// <summary>What a report shows besides the figures.</summary>
/// <param name="Run">The run, as far as it is known before the report is written.</param>
/// <param name="LossCurves">Losses of suspects that were trained here; empty for strangers.</param>
public sealed record ReportContext(RunManifest Run, IReadOnlyList<LossCurve> LossCurves);
