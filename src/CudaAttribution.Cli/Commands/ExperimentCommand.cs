using System.CommandLine;

namespace CudaAttribution.Cli.Commands;

/// <summary><c>cudattr experiment</c>: studies that need many models.</summary>
internal static class ExperimentCommand
{
    public static Command Create() =>
        new("experiment", "Studies that need many models.") { CalibrationCommand.Create(), PaperCommand.Create() };
}
