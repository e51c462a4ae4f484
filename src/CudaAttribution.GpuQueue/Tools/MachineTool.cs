using System.ComponentModel;
using CudaAttribution.GpuQueue.Queue;
using CudaAttribution.GpuQueue.Running;
using CudaAttribution.GpuQueue.Steps;

namespace CudaAttribution.GpuQueue.Tools;

/// <summary>A program of the machine that a step runs; it need not be there.</summary>
internal static class MachineTool
{
    /// <summary>Runs it; where it is not there, says so and gives <see cref="StepCode.Skipped"/>.</summary>
    /// <param name="context">The step.</param>
    /// <param name="command">Name and arguments.</param>
    /// <param name="output">Gets each line of standard output; false sends it to the log.</param>
    public static StepEnd Run(StepContext context, IReadOnlyList<string> command, Func<string, bool> output)
    {
        try
        {
            return StepProcess.Run(command, TimeSpan.FromSeconds(Math.Max(1, context.Left)), output, Console.Error);
        }
        catch (Win32Exception)
        {
            string missing = $"{command[0]} is not on the PATH";
            Console.Error.WriteLine(missing);
            return new StepEnd(StepCode.Skipped, false, missing);
        }
    }
}
