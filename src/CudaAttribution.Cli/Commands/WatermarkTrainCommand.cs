using System.CommandLine;
using CudaAttribution.Cli.Options;
using CudaAttribution.Cli.Running;
using CudaAttribution.Data.Datasets;
using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Training;
using CudaAttribution.Models.Watermark;
using CudaAttribution.Populations;
using CudaAttribution.Tensors;
using CudaAttribution.Watermark;
using Spectre.Console;

namespace CudaAttribution.Cli.Commands;

/// <summary><c>cudattr watermark train</c>.</summary>
internal static class WatermarkTrainCommand
{
    private const string Description =
        """
        Trains encoder and decoder together: BCE(bits) + MSE + 0.1 (1 - SSIM), messages drawn anew for each picture, and between the two networks noise, a
        share of each batch for each kind: none, resize to 0.5-1 and back, JPEG 50-95 (4:2:0; the gradient passes straight through), normal noise of 0.02,
        moves by up to 1/16 with and without mirroring, and with --through an autoencoder there and back. Over the curriculum the amplitude falls from 32/255
        to --amplitude and the picture terms come in. Writes model/, losses.csv, trial.json with --held-out, and manifest.json.
        """;

    public static Command Create()
    {
        var architecture = new WatermarkConfig();
        var data = CommonOptions.Data("--data", "Pictures to train on; captions are not used");
        data.Required = true;
        var heldOut = CommonOptions.Data("--held-out", "Other pictures, marked and read through each noise at the end, with a real JPEG codec");
        var through = new Option<DirectoryInfo?>("--through") { Description = "Model whose autoencoder is one of the noises. The memory plan is then 5 to 12 % too small.", HelpName = "folder" };
        var size = Number("--size", "Side of the pictures, a multiple of 16.", architecture.Size);
        var width = Number("--width", "Channels inside the encoder, a multiple of 4.", architecture.EncoderWidth);
        var decoder = new Option<int[]>("--decoder")
        {
            Description = "Channels behind each block of the decoder, multiples of 4; each block halves the side.",
            DefaultValueFactory = _ => [.. architecture.DecoderWidths],
            AllowMultipleArgumentsPerToken = true,
            HelpName = "n n ...",
        };
        var amplitude = new Option<double>("--amplitude")
        {
            Description = "Most that a pixel changes by in the end, of 255.",
            DefaultValueFactory = _ => 8,
            HelpName = "x",
        };
        var curriculum = Number("--curriculum", "Steps of the curriculum.", new WatermarkObjective().CurriculumSteps);
        var steps = Number("--steps", "Optimiser steps.", 3000);
        var batch = Number("--batch", "Pictures of a step.", 32);
        var accumulate = CommonOptions.Accumulate();
        var rate = new Option<double>("--lr") { Description = "Learning rate, constant after the warm-up.", DefaultValueFactory = _ => 2e-3, HelpName = "x" };
        var warmup = Number("--warmup", "Steps over which the learning rate rises.", 100);
        var ema = new Option<double>("--ema")
        {
            Description = "Decay of the running average of the weights that becomes the model; 0 for none.",
            DefaultValueFactory = _ => 0.0,
            HelpName = "x",
        };
        var every = Number("--checkpoint-every", "Steps between checkpoints; a killed run goes on from the last one.", 200);
        var type = CommonOptions.WeightType("Type of the weights in the file: F32, F16 or BF16. Training is F32.", _ => DType.F32);
        var bad = CommonOptions.OnBadImage();
        var runOptions = new RunOptionSet();
        var command = new Command("train", Description)
        { data, heldOut, through, size, width, decoder, amplitude, curriculum, steps, batch, accumulate, rate, warmup, ema, every, type, bad };
        runOptions.AddTo(command);
        command.SetAction(parsed =>
        {
            var run = runOptions.Read(parsed);
            var config = new WatermarkConfig
            {
                Size = parsed.GetValue(size), EncoderWidth = parsed.GetValue(width), DecoderWidths = parsed.GetValue(decoder)!,
                Amplitude = parsed.GetValue(amplitude) / 255,
            };
            if (config.Problem() is { } problem) throw new UsageException($"{problem} (--size, --width, --decoder, --amplitude)");
            using var session = new RunSession("watermark train", run);
            var set = Load(parsed.GetValue(data)!, "data");
            var trial = parsed.GetValue(heldOut) is { } other ? Load(other, "held-out") : null;
            using var autoencoder = parsed.GetValue(through) is { } folder ? DiffusionModel.Load(folder.FullName, session.Device, ModelUse.Sampling) : null;
            if (autoencoder is { Vae: null }) throw new UsageException("--through: the model has no autoencoder, it works on pixels");
            if (autoencoder is not null) session.Model("through", autoencoder.WeightsHash(), autoencoder.Derivation);
            using var model = WatermarkModel.Create(config, session.Device, run.Seed);
            Console.Error.WriteLine($"{set.Count} pictures of {config.Size}x{config.Size}; {model.Parameters.Count:N0} parameters");
            string checkpoints = session.Folder.Path("checkpoints");
            var task = new WatermarkTask(
                model, FineTuner.TrainingSetOf(set, config.Size), new WatermarkObjective { CurriculumSteps = parsed.GetValue(curriculum) }, autoencoder);
            using var training = new TrainingLoop(task, new TrainOptions
            {
                Steps = parsed.GetValue(steps), BatchSize = parsed.GetValue(batch), GradientAccumulation = parsed.GetValue(accumulate),
                LearningRate = parsed.GetValue(rate), WarmupSteps = parsed.GetValue(warmup), EmaDecay = parsed.GetValue(ema), Seed = run.Seed,
                CheckpointInterval = parsed.GetValue(every), CheckpointFolder = checkpoints, Resume = true,
            });
            Console.Error.WriteLine($"memory plan: {training.Memory}");
            var result = Train(training);
            string place = session.Folder.Path("model");
            model.Save(place, parsed.GetValue(type));
            session.Folder.Write(ModelFiles.Losses, LossLog.Format(result.Losses));
            WatermarkTrial? tried = null;
            if (trial is not null)
            {
                // What is tried is what was written: the weights as the file has them.
                using var written = WatermarkModel.Load(place, session.Device);
                session.Folder.WriteJson(WatermarkTrial.FileName, tried = WatermarkTrial.Of(written, trial, run.Seed));
            }
            if (Directory.Exists(checkpoints)) Directory.Delete(checkpoints, recursive: true);
            session.Finish();
            if (run.Json) Shell.WriteJson(new { model = place, steps = result.Losses.Count, loss = result.Losses[^1], seconds = result.Seconds, trial = tried });
            else if (tried is not null) Print(tried);
            return Shell.Done;

            CaptionedDataset Load(string text, string name)
            {
                var loaded = DataArgument.Parse(text).Load(config.Size, onBadImage: parsed.GetValue(bad));
                foreach (var skipped in loaded.Skipped) Console.Error.WriteLine($"cudattr: left out {skipped.File}: {skipped.Reason}");
                session.Input(name, loaded.Hash);
                return loaded;
            }
        });
        return command;

        static Option<int> Number(string name, string description, int value) =>
            new(name) { Description = description, DefaultValueFactory = _ => value, HelpName = "n" };
    }

    private static TrainResult Train(TrainingLoop training)
    {
        using var line = new ProgressLine("watermark train");
        using var cancel = new CancelKey();
        return training.Run(
            p => line.Report(p.Step, p.Steps, $"loss {p.Loss:0.0000}  {p.PicturesPerSecond:0} images/s", p.Remaining), cancel.Token);
    }

    private static void Print(WatermarkTrial trial)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns("noise", "bit accuracy", "pictures marked");
        foreach (var row in trial.Rows)
            table.AddRow(row.Noise, FormattableString.Invariant($"{row.BitAccuracy:0.000}"), FormattableString.Invariant($"{row.Marked:0.000}"));
        AnsiConsole.Write(table);
        Console.WriteLine(FormattableString.Invariant($"{trial.Pictures} held-out pictures, PSNR {trial.Psnr:0.0} dB, SSIM {trial.Ssim:0.000}"));
    }
}
