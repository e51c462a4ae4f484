using System.CommandLine;
using CudaAttribution.Cli.Options;
using CudaAttribution.Cli.Running;
using CudaAttribution.Data.Datasets;
using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Files;
using CudaAttribution.Models.Layers;
using CudaAttribution.Models.Training;
using CudaAttribution.Populations;
using CudaAttribution.Reports;

namespace CudaAttribution.Cli.Commands;

/// <summary><c>cudattr train</c> and <c>cudattr finetune</c>: a base model from nothing, and a copy of one trained on.</summary>
internal static class TrainCommand
{
    /// <summary>The name that diffusers looks for.</summary>
    private const string AdapterFile = "pytorch_lora_weights.safetensors";

    /// <summary>Trains UNet and text encoder from random weights.</summary>
    public static Command CreateTrain()
    {
        var preset = new Option<string>("--preset")
        {
            Description = $"Architecture: {string.Join(", ", ModelPreset.Names)}, or a JSON file of the same form.",
            DefaultValueFactory = _ => "demo",
            HelpName = "name",
        };
        var common = new TrainingOptionSet(learningRate: 1e-3, steps: 3000);
        var command = new Command(
            "train",
            "Trains a text-to-image diffusion model from random weights on captioned pictures: UNet and text encoder together.")
        { preset };
        common.AddTo(command);
        command.SetAction(parsed => Run("train", common, parsed, (session, data) =>
        {
            var architecture = ModelPreset.Load(parsed.GetValue(preset)!);
            var captions = data().Items.Select(i => i.Caption);
            return DiffusionModel.Create(architecture, captions, session.Device, common.Run.Read(parsed).Seed);
        }));
        return command;
    }

    /// <summary>Continues from a model; only the UNet changes.</summary>
    public static Command CreateFinetune()
    {
        var model = new ModelOptionSet("--base", "The model to start from.");
        var rank = new Option<int?>("--lora-rank")
        {
            Description = "Train a low-rank adapter of this rank on the attentions' projections in place of the weights. Beside the model, into "
                + $"which it is merged, it is written as {AdapterFile}, for diffusers and for --lora.",
            HelpName = "n",
        };
        var alpha = new Option<double?>("--lora-alpha")
        {
            Description = "The adapter counts alpha / rank times; the rank if not given.",
            HelpName = "x",
        };
        var common = new TrainingOptionSet(learningRate: 1e-4, steps: 500);
        var command = new Command("finetune", "Fine-tunes the UNet of a model on captioned pictures; the text encoder stays as it is.");
        model.AddTo(command);
        command.Add(rank);
        command.Add(alpha);
        common.AddTo(command);
        command.SetAction(parsed => Run("finetune", common, parsed, (session, _) =>
        {
            var lora = Adapter(parsed.GetValue(rank), parsed.GetValue(alpha), common.Run.Read(parsed).Seed);
            var loaded = DiffusionModel.Load(model.Read(parsed), session.Device, ModelUse.TrainUNet, lora);
            session.Model("base", loaded.WeightsHash(), loaded.Derivation);
            return loaded;
        }));
        return command;
    }

    private static LoraOptions? Adapter(int? rank, double? alpha, ulong seed)
    {
        if (rank is null && alpha is not null) throw new UsageException("--lora-alpha needs --lora-rank");
        return rank is null ? null : new LoraOptions(rank.Value, alpha, seed);
    }

    private static int Run(string name, TrainingOptionSet common, ParseResult parsed, Func<RunSession, Func<CaptionedDataset>, DiffusionModel> open)
    {
        var run = common.Run.Read(parsed);
        var spec = DataArgument.Parse(parsed.GetValue(common.Data)!);
        using var session = new RunSession(name, run);
        // The model says how large its pictures are; a new one needs the captions first, which do not depend on that.
        using var model = open(session, () => spec.Load(16, onBadImage: parsed.GetValue(common.OnBadImage)));
        int size = model.PictureSize;
        var data = spec.Load(size, onBadImage: parsed.GetValue(common.OnBadImage));
        foreach (var skipped in data.Skipped) Console.Error.WriteLine($"cudattr: left out {skipped.File}: {skipped.Reason}");
        foreach (var warning in data.Warnings) Console.Error.WriteLine($"cudattr: {warning}");
        session.Input("data", data.Hash);
        string checkpoints = session.Folder.Path("checkpoints");
        var options = common.Options(parsed) with { Seed = run.Seed, CheckpointFolder = checkpoints, Resume = true };
        Console.Error.WriteLine(
            $"{data.Count} pictures of {size}x{size}; {model.UNetParameterCount:N0} parameters in the UNet, "
            + $"{model.TextEncoderParameterCount:N0} in the text encoder");
        var task = new DiffusionTask(model, FineTuner.TrainingSetOf(data, size), common.Objective(parsed));
        using var training = new TrainingLoop(task, options);
        Console.Error.WriteLine($"memory plan: {training.Memory}");
        TrainResult result;
        using (var line = new ProgressLine(name))
        using (var cancel = new CancelKey())
        {
            result = training.Run(
                p => line.Report(p.Step, p.Steps, $"loss {p.Loss:0.0000}  {p.PicturesPerSecond:0} images/s", p.Remaining),
                cancel.Token);
        }
        model.Save(session.Folder.Path("model"), parsed.GetValue(common.Type));
        string? adapter = model.HasAdapter ? session.Folder.Path(AdapterFile) : null;
        if (adapter is not null) model.SaveAdapter(adapter);
        session.Folder.Write(ModelFiles.Losses, LossLog.Format(result.Losses));
        session.Folder.Write(ReportContext.FileName, TrainingReport.Render(name, data, result, session.Recorder.Describe()));
        if (Directory.Exists(checkpoints)) Directory.Delete(checkpoints, recursive: true);
        session.Finish();
        if (run.Json)
        {
            Shell.WriteJson(new
            {
                model = session.Folder.Path("model"),
                adapter,
                steps = result.Losses.Count,
                loss = result.Losses[^1],
                seconds = result.Seconds,
                images_per_second = result.PicturesPerSecond,
                memory_bytes = result.Memory.Total,
                memory = result.Memory,
            });
        }
        return Shell.Done;
    }
}
