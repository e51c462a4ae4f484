using System.CommandLine;
using CudaAttribution.Cli.Options;
using CudaAttribution.Cli.Running;
using CudaAttribution.Experiments.Plans;
using CudaAttribution.Measures;
using CudaAttribution.Runs;
using CudaAttribution.Shadows;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;

namespace CudaAttribution.Cli.Commands;

/// <summary><c>cudattr shadow plan|train</c>: the models that a discriminator learns from.</summary>
internal static class ShadowCommand
{
    private const string Description =
        """
        Shadow models of a source, for the statistical level of Zhang et al. (2024): models that are known to have learned from its pictures, and models that
        are known not to have, all asked its keys. A discriminator learns to tell them apart, and scores suspects.
          1. shadow plan          settles them, and says what they take
          2. shadow train         trains and asks them, as many at a time as you like
          3. discriminator train  learns from their answers
          4. discriminator score  scores a suspect
        A discriminator knows what its shadows are like. A lawful model of the source's own real pictures is like neither kind: a score is an indication.
        """;

    public static Command Create() => new("shadow", Description) { CreatePlan(), CreateTrain() };

    private static Command CreatePlan()
    {
        var source = Path("--source", "The owner's model.");
        var baseModel = Path("--base", "G0, the model that shadows are fine-tuned from, and that the answers are compared with.");
        var keys = new Option<DirectoryInfo>("--keys")
        {
            Description = "The source's frozen keys, of 'keys select'; all are sampled as they say.", Required = true, HelpName = "folder",
        };
        var prompts = CommonOptions.Data("--prompts", "Whose captions the generated pictures are asked with");
        prompts.Required = true;
        var real = CommonOptions.Data("--real", "Real pictures of innocent shadows, and the rest of infringing ones; not those of any suspect");
        real.Required = true;
        var each = new Option<int>("--each") { Description = "s: shadows of each kind, 2 at least.", DefaultValueFactory = _ => 10, HelpName = "n" };
        var count = new Option<int>("--n") { Description = "n: pictures in the training set of each.", DefaultValueFactory = _ => 500, HelpName = "n" };
        var rhos = new Option<double[]>("--rho")
        {
            Description = "Shares of generated pictures of infringing shadows, in turn; several allowed.", DefaultValueFactory = _ => [0.3, 0.5, 0.7, 1],
            HelpName = "x", AllowMultipleArgumentsPerToken = true,
        };
        var measure = new Option<string>("--measure")
        {
            Description = $"Measure by which an answer is a copy: {string.Join(", ", MeasureRegistry.Names)}.", DefaultValueFactory = _ => "px", HelpName = "name",
        };
        var draws = new Option<int>("--draws")
        {
            Description = "Answers to each key. With 2 the discriminator sees how far a model's answers are apart, and a suspect is asked twice.",
            DefaultValueFactory = _ => 1, HelpName = "n",
        };
        var baselineDraws = new Option<int>("--baseline-draws")
        {
            Description = "Pictures of each key prompt by the base model, of which the most central is taken.", DefaultValueFactory = _ => 4, HelpName = "n",
        };
        var training = new FineTuningOptionSet();
        var (seed, device, math, threads, folder, json) = (
            CommonOptions.Seed(), CommonOptions.Device(), CommonOptions.Math(), CommonOptions.Threads(), CommonOptions.Out(), CommonOptions.Json());
        var command = new Command("plan", "Settles the shadows of a source before one is trained.")
        { source, baseModel, keys, prompts, real, folder, each, count, rhos, measure, draws, baselineDraws, seed };
        foreach (var option in training.OfRecipe.Except([training.Common.OnBadImage]).Concat([device, math, threads, json])) command.Add(option);
        command.SetAction(parsed =>
        {
            using var on = ComputeDevice.Open(parsed.GetValue(device)!, parsed.GetValue(math)!, threads: parsed.GetValue(threads));
            var design = new ShadowDesign
            {
                Models = new ShadowModels(parsed.GetValue(each), parsed.GetValue(rhos)!, parsed.GetValue(count), training.Recipe(parsed)),
                Prompts = DataArgument.Parse(parsed.GetValue(prompts)!), Real = DataArgument.Parse(parsed.GetValue(real)!),
                Measure = parsed.GetValue(measure)!, Draws = parsed.GetValue(draws), BaselineDraws = parsed.GetValue(baselineDraws),
                Seed = parsed.GetValue(seed),
            };
            var place = new RunFolder(parsed.GetValue(folder)!.FullName);
            ShadowPlan.Make(
                design, parsed.GetValue(baseModel)!.FullName, parsed.GetValue(source)!.FullName, parsed.GetValue(keys)!.FullName, on, place);
            if (parsed.GetValue(json)) Shell.WriteJson(design);
            else
            {
                Console.WriteLine($"to train   {design.Models.Each} infringing and {design.Models.Each} innocent shadows, {design.Models.Count} pictures each");
                Console.WriteLine($"next       cudattr shadow train {place.Root}");
            }
            return Shell.Done;
        });
        return command;
    }

    private static Command CreateTrain()
    {
        var folder = new Argument<DirectoryInfo>("folder") { Description = "The folder of 'shadow plan'." };
        var workers = new WorkerOptionSet();
        var command = new Command(
            "train",
            "Trains the shadows of a plan and asks them the keys. With neither --jobs nor --slurm one after the other in this process. Ctrl+C stops; the same "
            + "command goes on from the last checkpoints.")
        { folder };
        workers.AddTo(command);
        command.SetAction(parsed =>
        {
            var (path, options) = (parsed.GetValue(folder)!.FullName, workers.Read(parsed));
            var (plan, store) = (ShadowPlan.Load(path), ShadowPlan.StoreOf(path));
            int code = UnitRun.Report(store, UnitRun.All(store, plan.Units().Results, options), options.Json);
            if (code == Shell.Done) Console.Error.WriteLine($"next: cudattr discriminator train {path} --out FOLDER");
            return code;
        });
        return command;
    }

    private static Option<FileSystemInfo> Path(string name, string description) =>
        new(name) { Description = $"{description} {ModelOptionSet.Forms}", Required = true, HelpName = "path" };
}
