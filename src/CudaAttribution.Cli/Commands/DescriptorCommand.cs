using System.CommandLine;
using CudaAttribution.Cli.Options;
using CudaAttribution.Cli.Running;
using CudaAttribution.Data.Augmentations;
using CudaAttribution.Data.Datasets;
using CudaAttribution.Images;
using CudaAttribution.Models.Descriptors;
using CudaAttribution.Models.Training;
using CudaAttribution.Populations;
using CudaAttribution.Runs;
using CudaAttribution.Tensors;

namespace CudaAttribution.Cli.Commands;

/// <summary><c>cudattr descriptor train|evaluate</c>: the network behind the measures sscd, embed and mix.</summary>
internal static class DescriptorCommand
{
    private const string ModelFolder = "descriptor", EvaluationFile = "evaluation.json";

    private const string Description =
    """
    A copy-detection descriptor (SSCD, Pizzi et al. 2022): a network that maps copies of a picture near each other and everything else far away. The measures
    sscd, embed and mix compare pictures by it (--descriptor names it there). Train a small one, or take a published file of SSCD.
    """;

    private const string TrainDescription =
    """
    Trains a small descriptor (a thin ResNet-18) from random weights. Two changed copies of each picture are drawn near each other and away from all other
    pictures, among them other drawings of the same thing. Captions only decide what is held out.
    """;

    private const string EvaluateDescription =
    """
    Measures a descriptor on the held-out captions of several sets: how often a copy is nearer than a redrawing of the same thing by another hand (AUC, at
    least 0.97), and how near the nearest other picture is (mean cosine, at most 0.5). Exit code 3 where it misses either.
    """;

    public static Command Create() => new("descriptor", Description) { CreateTrain(), CreateEvaluate() };

    /// <summary>Sets of pictures; given several times.</summary>
    private static Option<string[]> Sets()
    {
        var one = CommonOptions.Data();
        return new("--data") { Description = $"{one.Description} Give it several times for several sets.", Required = true, HelpName = "set" };
    }

    private static Option<double> HoldOut() => new("--hold-out")
    {
        Description = "Share of the captions, by their hash, that training leaves out and evaluation looks at.",
        DefaultValueFactory = _ => 0.2,
        HelpName = "p",
    };

    private static Command CreateTrain()
    {
        var sets = Sets();
        var holdOut = HoldOut();
        var steps = Number("--steps", "Optimiser steps.", 2000);
        var batch = Number("--batch", "Pictures of a step, of two copies each.", 128);
        var side = Number("--size", "Side that pictures are resized to.", SscdConfig.Small.ImageSize);
        var width = Number("--width", "Channels of the first stage; each stage doubles them.", SscdConfig.Small.Width);
        var dimensions = Number("--dimensions", "Length of a descriptor.", SscdConfig.Small.Dimensions);
        var warmup = Number("--warmup", "Steps over which the learning rate rises.", 50);
        var every = Number("--checkpoint-every", "Steps between checkpoints; a killed run goes on from the last one.", 100);
        var rate = Number("--lr", "Learning rate, constant after the warm-up.", 1e-3);
        var decay = Number("--weight-decay", "AdamW's decoupled weight decay.", 0.05);
        var ema = Number("--ema", "Decay of the running average of the weights that becomes the descriptor; 0 for none.", 0.99);
        var temperature = Number("--temperature", "Temperature of InfoNCE.", new DescriptorObjective().Temperature);
        var spread = Number("--spread", "Weight of the term that drives neighbours apart.", new DescriptorObjective().Spread);
        var type = CommonOptions.WeightType("Type of the weights in the file: F32, F16 or BF16. Training is F32.", _ => DType.F32);
        var runOptions = new RunOptionSet();
        var command = new Command("train", TrainDescription)
        { sets, holdOut, steps, batch, side, width, dimensions, rate, warmup, decay, ema, temperature, spread, every, type };
        runOptions.AddTo(command);
        command.SetAction(parsed =>
        {
            var run = runOptions.Read(parsed);
            using var session = new RunSession("descriptor train", run);
            var config = SscdConfig.Small with
            {
                Width = parsed.GetValue(width),
                Dimensions = parsed.GetValue(dimensions),
                ImageSize = parsed.GetValue(side),
            };
            using var model = New(config, session.Device, run.Seed);
            var pictures = Load(parsed.GetValue(sets)!, config.ImageSize, session, Share(parsed.GetValue(holdOut)), heldOut: false);
            string checkpoints = session.Folder.Path("checkpoints");
            var options = new TrainOptions
            {
                Steps = parsed.GetValue(steps),
                BatchSize = parsed.GetValue(batch),
                LearningRate = parsed.GetValue(rate),
                WarmupSteps = parsed.GetValue(warmup),
                Optimizer = new() { WeightDecay = parsed.GetValue(decay) },
                EmaDecay = parsed.GetValue(ema),
                Seed = run.Seed,
                CheckpointInterval = parsed.GetValue(every),
                CheckpointFolder = checkpoints,
                Resume = true,
            };
            var objective = new DescriptorObjective { Temperature = parsed.GetValue(temperature), Spread = parsed.GetValue(spread) };
            var data = new TrainingSet([.. pictures.Select(p => p.Picture)], [.. pictures.Select(p => p.Caption)]);
            Console.Error.WriteLine($"{data.Count} pictures of {config.ImageSize}x{config.ImageSize}; {model.ParameterCount:N0} parameters");
            using var training = new TrainingLoop(new DescriptorTask(model, data, new CopyAugmentation(), objective), options);
            Console.Error.WriteLine($"memory plan: {training.Memory}");
            TrainResult result;
            using (var line = new ProgressLine("descriptor train"))
            using (var cancel = new CancelKey())
            {
                result = training.Run(
                    p => line.Report(p.Step, p.Steps, $"loss {p.Loss:0.0000}  {p.PicturesPerSecond:0} images/s", p.Remaining), cancel.Token);
            }
            model.Save(session.Folder.Path(ModelFolder), parsed.GetValue(type));
            session.Folder.Write(ModelFiles.Losses, LossLog.Format(result.Losses));
            if (Directory.Exists(checkpoints)) Directory.Delete(checkpoints, recursive: true);
            session.Finish();
            if (run.Json)
            {
                Shell.WriteJson(new
                {
                    descriptor = session.Folder.Path(ModelFolder),
                    steps = result.Losses.Count,
                    loss = result.Losses[^1],
                    seconds = result.Seconds,
                });
            }
            return Shell.Done;
        });
        return command;
    }

    private static Command CreateEvaluate()
    {
        var descriptor = new Option<FileSystemInfo>("--descriptor")
        {
            Description = "A folder that 'descriptor train' wrote, or a published file (.torchvision.pt, .torchscript.pt).", Required = true, HelpName = "path",
        };
        var sets = Sets();
        var holdOut = HoldOut();
        var runOptions = new RunOptionSet();
        var command = new Command("evaluate", EvaluateDescription) { descriptor, sets, holdOut };
        runOptions.AddTo(command);
        command.SetAction(parsed =>
        {
            var run = runOptions.Read(parsed);
            using var session = new RunSession("descriptor evaluate", run);
            using var model = SscdModel.Load(parsed.GetValue(descriptor)!.FullName, session.Device);
            session.Input("descriptor", model.Identity());
            var pictures = Load(parsed.GetValue(sets)!, model.Config.ImageSize, session, Share(parsed.GetValue(holdOut)), heldOut: true);
            var result = Judge(model, pictures, run.Seed);
            session.Folder.WriteJson(EvaluationFile, result);
            session.Finish();
            if (run.Json) Shell.WriteJson(result);
            else Print(result);
            return result.Accepted ? Shell.Done : Shell.CheckFailed;
        });
        return command;
    }

    private static SscdModel New(SscdConfig config, ComputeDevice device, ulong seed)
    {
        try
        {
            return SscdModel.Create(config, device, seed);
        }
        catch (ArgumentException e)
        {
            throw new UsageException(e.Message);
        }
    }

    private static DescriptorEvaluation Judge(SscdModel model, IReadOnlyList<JudgedPicture> pictures, ulong seed)
    {
        try
        {
            return DescriptorEvaluation.Of(model, pictures, new CopyAugmentation(), seed);
        }
        catch (ArgumentException e)
        {
            throw new UserException(e.Message, "Give several sets that draw the same things, or hold out more.") { Setting = "data" };
        }
    }

    private static double Share(double share) => share is >= 0 and <= 1
        ? share
        : throw new UsageException(FormattableString.Invariant($"--hold-out must be from 0 to 1, it is {share}"));

    private static List<JudgedPicture> Load(string[] sets, int size, RunSession session, double share, bool heldOut)
    {
        var pictures = new List<JudgedPicture>();
        foreach (string set in sets)
        {
            var data = DataArgument.Parse(set).Load(size);
            session.Input($"data {set}", data.Hash);
            foreach (var item in data.Items.Where(i => CaptionSplit.HoldsOut(i.Caption, share) == heldOut))
                pictures.Add(new JudgedPicture(item.Caption, item.Image.Read().ToSquare(size, ResizeMode.Stretch)));
        }
        return pictures.Count > 1
            ? pictures
            : throw new UserException($"{pictures.Count} pictures are left", "Give larger sets, or another share to hold out.") { Setting = "hold-out" };
    }

    private static Option<T> Number<T>(string name, string description, T byDefault) =>
        new(name) { Description = description, DefaultValueFactory = _ => byDefault, HelpName = typeof(T) == typeof(int) ? "n" : "x" };

    private static void Print(DescriptorEvaluation e) => Console.WriteLine(FormattableString.Invariant(
        $"""
        {e.Pictures} held-out pictures, {e.Redrawn} pairs of one caption by different hands
        AUC of copies against redrawings   {e.Auc:0.0000}   (at least {DescriptorEvaluation.LeastAuc:0.00})
        mean cosine of nearest negatives   {e.NearestNegativeCosine:0.0000}   (at most {DescriptorEvaluation.MostNearest:0.00})
        mean cosine of copies, redrawings  {e.CopyCosine:0.0000}, {e.RedrawnCosine:0.0000}
        within 1 - cosine <= {DescriptorEvaluation.Threshold:0.00}         {e.CopyRecall:0.0000} of copies, {e.RedrawnBelow:0.0000} of redrawings
        {(e.Accepted ? "accepted" : "not accepted")}
        """));
}
