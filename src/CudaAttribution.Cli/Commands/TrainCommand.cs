using System.CommandLine;
using CudaAttribution.Cli.Options;
using CudaAttribution.Cli.Running;
using CudaAttribution.Data.Datasets;
using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Files;
using CudaAttribution.Models.Training;
using CudaAttribution.Populations;
using CudaAttribution.Reports;

namespace CudaAttribution.Cli.Commands;

/// <summary><c>cudattr train</c> and <c>cudattr finetune</c>: a base model from nothing, and a copy of one trained on.</summary>
internal static class TrainCommand
{
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
        command.SetAction(parsed => Run("train", common, parsed, common.Recipe(parsed), (session, data) =>
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
        var options = new FineTuningOptionSet();
        var command = new Command("finetune", "Fine-tunes the UNet of a model on captioned pictures; the text encoder stays as it is.");
        options.AddTo(command);
        command.SetAction(parsed =>
        {
            var recipe = options.Recipe(parsed);
            return Run("finetune", options.Common, parsed, recipe, (session, _) =>
            {
                var adapter = recipe.Adapter(options.Common.Run.Read(parsed).Seed);
                var loaded = DiffusionModel.Load(options.Base.Read(parsed), session.Device, ModelUse.TrainUNet, adapter);
                session.Model("base", loaded.WeightsHash(), loaded.Derivation);
                return loaded;
            });
        });
        return command;
    }

    private static int Run(
        string name, TrainingOptionSet common, ParseResult parsed, FineTuneRecipe recipe, Func<RunSession, Func<CaptionedDataset>, DiffusionModel> open)
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
        var options = recipe.Options(run.Seed, checkpoints) with { MemoryLimit = common.MemoryLimit(parsed) };
        Console.Error.WriteLine(
            $"{data.Count} pictures of {size}x{size}; {model.UNetParameterCount:N0} parameters in the UNet, "
            + $"{model.TextEncoderParameterCount:N0} in the text encoder");
        var task = new DiffusionTask(model, FineTuner.TrainingSetOf(data, size), recipe.Objective());
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
        model.Save(session.Folder.Path("model"), recipe.WeightType);
        string? adapter = model.HasAdapter ? session.Folder.Path(FineTuningOptionSet.AdapterFile) : null;
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
