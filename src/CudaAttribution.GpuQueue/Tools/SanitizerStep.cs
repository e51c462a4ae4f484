using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using CudaAttribution.GpuQueue.Queue;
using CudaAttribution.GpuQueue.Steps;

namespace CudaAttribution.GpuQueue.Tools;

/// <summary>NVIDIA's compute-sanitizer over the audit's cases, which reach every kernel and every edge of a tile.</summary>
internal sealed partial class SanitizerStep : IStep
{
    public int Run(StepContext context)
    {
        string[] command =
        [
            "compute-sanitizer", "--tool", context.Step.Tool!, "--target-processes", "all", "--error-exitcode", "9", "--print-limit", "20",
            .. SelfCommand.Of("cases", "--device", context.Device, "--math", context.Step.Engine),
        ];
        int? errors = null;
        string? first = null;
        var end = MachineTool.Run(context, command, line =>
        {
            if (Summary().Match(line) is { Success: true } summary) errors = int.Parse(summary.Groups[1].Value, CultureInfo.InvariantCulture);
            else if (Report().Match(line) is { Success: true } report) first ??= report.Groups[1].Value;
            return false;
        });
        if (end.ExitCode == StepCode.Skipped) return StepCode.Skipped;
        bool clean = errors == 0 && end.ExitCode == 0;
        var result = new JsonObject
        {
            ["what"] = "sanitizer", ["tool"] = context.Step.Tool, ["math"] = context.Step.Engine, ["state"] = clean ? "ok" : end.CutOff ? "cut off" : "failed",
            ["errors"] = errors,
        };
        if (first is not null) result["first"] = first;
        StepContext.Emit(result);
        return clean ? StepCode.Done : end.CutOff ? StepCode.OutOfTime : StepCode.CheckFailed;
    }

    /// <summary>"========= ERROR SUMMARY: 0 errors", for racecheck "========= RACECHECK SUMMARY: 0 hazards displayed (0 errors, 0 warnings)".</summary>
    [GeneratedRegex(@"^=+ (?:ERROR|RACECHECK) SUMMARY: (\d+)")]
    private static partial Regex Summary();

    [GeneratedRegex(@"^=+ ((?:Invalid|Error|Barrier|Uninitialized|Program hit|Potential).*)$")]
    private static partial Regex Report();
}
