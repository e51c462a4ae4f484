using System.Globalization;
using CudaAttribution.GpuQueue.Queue;
using CudaAttribution.GpuQueue.Running;
using CudaAttribution.GpuQueue.Steps;

namespace CudaAttribution.GpuQueue.Tools;

/// <summary>The same step of the same UNet in PyTorch, in its own modes, on the same card in the same run: <c>build/oracle/gpu_torch.py</c>.</summary>
internal sealed class PyTorchStep : IStep
{
    /// <summary>Seconds that the script has to say what it did not get to, before it is stopped.</summary>
    private const double LastWords = 3;

    private const string NoTorch = "import importlib.util, sys; sys.exit(importlib.util.find_spec('torch') is None)";

    public int Run(StepContext context)
    {
        if (MachineTool.Run(context, ["python3", "-c", NoTorch], _ => false) is { ExitCode: not 0 } none)
        {
            if (none.ExitCode != StepCode.Skipped) Console.Error.WriteLine("python3 has no torch");
            return StepCode.Skipped;
        }
        var preset = StepModel.Of(context);
        string config = Path.GetTempFileName();
        try
        {
            File.WriteAllText(config, preset.UNet.ToJson());
            string batch = StepModel.Batch(context).ToString(CultureInfo.InvariantCulture);
            // An emulated GPU is none for PyTorch.
            string device = context.Reduced ? "cpu" : "cuda";
            string[] command =
            [
                "python3", "-u", Path.Combine(AppContext.BaseDirectory, "torch", "gpu_torch.py"), "--unet", config, "--name", preset.Name, "--device", device,
                "--what", context.Step.Part!, context.Step.Part == "sampling" ? "--sample-batch" : "--batch", batch,
                "--tokens", preset.Tokens.ToString(CultureInfo.InvariantCulture),
                "--seconds", Math.Max(1, context.Left - LastWords).ToString("0.#", CultureInfo.InvariantCulture),
            ];
            int results = 0;
            var end = MachineTool.Run(context, command, line =>
            {
                if (ResultLog.Parse(line) is not { } result) return false;
                result["what"] = "pytorch " + (string?)result["what"];
                StepContext.Emit(result);
                results++;
                return true;
            });
            if (end.CutOff) Console.Error.WriteLine($"cut off after {results} results");
            return end.CutOff ? StepCode.OutOfTime : end.ExitCode == 0 ? StepCode.Done : StepCode.Failed;
        }
        finally
        {
            File.Delete(config);
        }
    }
}
