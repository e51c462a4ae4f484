using System.CommandLine;
using System.Text.Json;
using CudaAttribution.Cli.Options;
using CudaAttribution.Cli.Running;
using CudaAttribution.Experiments.Plans;
using CudaAttribution.Runs;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Twins;

namespace CudaAttribution.Cli.Commands;

/// <summary><c>cudattr twins plan|train|draw</c>: what the source-swap test stands on.</summary>
internal static class TwinsCommand
{
    private const string Description =
    """
    Twins of a source: models trained as it was, on the same pictures in the same order with the same recipe, with other seeds.
    Any of them could have become the source. So a suspect that is nearer to the source than to its twins knows the source, and the share of models that
    are at least as near as the source is an exact p-value: with 99 twins 0.01 at best, with 19 (a first look) 0.05. No served pictures and no reference
    innocents are needed.
      1. twins plan    settles everything before a twin is trained, and says what it will take
      2. twins train   trains the twins, as many at a time as you like
      3. twins draw    draws the same prompts of source and twins, and writes twins.json with the pictures; the weights are not needed any more
    Whatever stops a run, the same command goes on with it. docs/method.md says what the test shows and what it does not ("Source swap").
    """;

    /// <summary>What is said where nothing is stated about the source.</summary>
    internal const string NoStatement =
        "the test stands on how the source came to be the source: state --not-picked, if it was not picked out of several models for its behaviour";

    private const string PlanDescription =
    """
    Settles twins of a source. How the source was trained is read from the manifest.json that 'cudattr finetune' left beside it; base and data must be those
    of that training. Where there is no such manifest, state all of it by finetune's options (--data, --steps, ..., --seed being --source-seed here): what is
    not given has finetune's default. A source that another program trained has no twins here.
    """;

    public static Command Create() => new("twins", Description) { CreatePlan(), CreateTrain(), CreateDraw() };

    private static Command CreatePlan()
    {
        var source = Path("--source", "The owner's model.");
        var baseModel = Path("--base", "G0, the model that it was fine-tuned from.");
        var data = CommonOptions.Data("--data", "What the source was trained on, if not as its manifest says");
        var count = new Option<int>("--count") { Description = "Twins: 99 for p = 0.01, 19 for p = 0.05.", DefaultValueFactory = _ => 99, HelpName = "n" };
        var first = new Option<ulong?>("--first-seed")
        {
            Description = "Seed of the first twin; the others count on. Default: the one after the source's.",
            HelpName = "n",
        };
        var prompts = new Option<FileInfo?>("--prompts")
        {
            Description = "File with one prompt a line, of which a test chooses; default: the captions of the data.",
            HelpName = "file",
        };
        var draws = new Option<int>("--draws")
        {
            Description = "Pictures of each prompt and model, 2 at least.",
            DefaultValueFactory = _ => 4,
            HelpName = "n",
        };
        var notPicked = new Option<bool>("--not-picked")
        {
            Description = "You state that the source was not picked out of several models for its behaviour. The test needs this, and reports print it.",
        };
        var pickedBy = new Option<string?>("--picked-by") { Description = "The rule that it was picked by, if it was.", HelpName = "text" };
        var tries = new Option<int?>("--tries") { Description = "Out of how many it was picked.", HelpName = "n" };
        var sourceSeed = new Option<ulong?>("--source-seed") { Description = "Seed of the source, where no manifest says it.", HelpName = "n" };
        var seed = CommonOptions.Seed();
        seed.Description = "Seed of the noise that pictures are drawn from.";
        var (device, math, threads, folder, json) =
            (CommonOptions.Device(), CommonOptions.Math(), CommonOptions.Threads(), CommonOptions.Out(), CommonOptions.Json());
        var sampling = new SamplingOptionSet();
        var training = new FineTuningOptionSet();
        var command = new Command("plan", PlanDescription)
        { source, baseModel, folder, data, count, first, prompts, draws, notPicked, pickedBy, tries, seed, sourceSeed };
        sampling.AddTo(command);
        foreach (var option in training.OfRecipe.Concat([device, math, threads, json])) command.Add(option);
        command.SetAction(parsed =>
        {
            CheckStatement(parsed.GetValue(notPicked), parsed.GetValue(pickedBy), parsed.GetValue(tries));
            var (how, engine) = Training(parsed);
            using var on = ComputeDevice.Open(parsed.GetValue(device)!, engine, threads: parsed.GetValue(threads));
            var request = new TwinRequest
            {
                Source = parsed.GetValue(source)!.FullName,
                Base = parsed.GetValue(baseModel)!.FullName,
                Training = how,
                Count = parsed.GetValue(count),
                FirstSeed = parsed.GetValue(first),
                Prompts = parsed.GetValue(prompts) is { } file ? Prompts(file.FullName) : null,
                Draws = parsed.GetValue(draws),
                DrawingSeed = parsed.GetValue(seed),
                Sampling = sampling.Read(parsed),
                Statement = TwinDesign.NotPicked,
            };
            var runFolder = new RunFolder(parsed.GetValue(folder)!.FullName);
            Tell(request.Plan(on, runFolder), how, runFolder.Root, parsed.GetValue(json));
            return Shell.Done;
        });
        return command;

        (SourceTraining, string) Training(ParseResult parsed)
        {
            string path = parsed.GetValue(source)!.FullName;
            string[] given = [.. training.OfRecipe.Append(sourceSeed).Where(o => parsed.GetResult(o) is { Implicit: false }).Select(o => o.Name)];
            if (SourceManifest.Find(path) is { } manifest)
            {
                if (given.Length > 0)
                    throw new UsageException($"{manifest} says how the source was trained: leave out {string.Join(", ", given)}, or move it away");
                var (how, engine) = SourceManifest.Training(manifest, path);
                if (parsed.GetValue(data) is { } set) how = how with { Data = DataArgument.Parse(set) };
                return (how, parsed.GetResult(math) is { Implicit: false } ? parsed.GetValue(math)! : engine);
            }
            if (given.Length == 0 || parsed.GetValue(data) is not { } stated)
                throw new UserException(
                    "there is no manifest.json beside this model that says that 'cudattr finetune' trained it",
                    "State how it was trained: --data, and all of finetune's options that differ from their defaults. If another program trained it, it has no "
                    + "twins here.", path);
            var own = new SourceTraining
            {
                Recipe = training.Recipe(parsed),
                Data = DataArgument.Parse(stated),
                OnBadImage = parsed.GetValue(training.Common.OnBadImage),
                Seed = parsed.GetValue(sourceSeed),
            };
            return (own, parsed.GetValue(math)!);
        }
    }

    private static Command CreateTrain()
    {
        var (folder, workers) = (Folder(), new WorkerOptionSet());
        var command = new Command(
            "train",
            "Trains the twins of a plan, and the source once more where its seed is known, to see that the recipe gives it. With neither --jobs nor --slurm "
            + "they are trained one after the other in this process. Ctrl+C stops; the same command goes on from the last checkpoints.")
        { folder };
        workers.AddTo(command);
        command.SetAction(parsed =>
        {
            var (path, options) = (parsed.GetValue(folder)!.FullName, workers.Read(parsed));
            var (plan, store) = (TwinPlan.Load(path), TwinPlan.StoreOf(path));
            int code = UnitRun.Report(store, UnitRun.All(store, plan.Units().Trained, options), options.Json);
            if (code == Shell.Done) Console.Error.WriteLine($"next: cudattr twins draw {path}");
            return code;
        });
        return command;
    }

    private static Command CreateDraw()
    {
        var (folder, workers) = (Folder(), new WorkerOptionSet());
        var command = new Command(
            "draw",
            $"Draws source and twins, those that are not drawn yet, and writes {TwinSet.FileName} and the pictures: all that a test needs. Twins that are not "
            + "trained yet are trained first.")
        { folder };
        workers.AddTo(command);
        command.SetAction(parsed =>
        {
            var (path, options) = (parsed.GetValue(folder)!.FullName, workers.Read(parsed));
            var (plan, store) = (TwinPlan.Load(path), TwinPlan.StoreOf(path));
            var result = UnitRun.All(store, plan.Units().Graph.Results, options);
            if (!result.IsComplete) return UnitRun.Report(store, result, options.Json);
            var set = plan.Assemble(store, new RunFolder(path));
            if (set.SourceReproduced == false) Console.Error.WriteLine($"cudattr: {TwinSet.NotReproduced}");
            if (options.Json)
                Shell.WriteJson(new
                {
                    twins = set.Models.Count - 1, prompts = set.Design.Prompts.Count, draws = set.Design.Draws, root = set.Root,
                    source_reproduced = set.SourceReproduced,
                });
            else Console.WriteLine(
                $"{TwinSet.FileName}: the source and {set.Models.Count - 1} twins, {set.Design.Prompts.Count} prompts x {set.Design.Draws} pictures of each, "
                + $"root {set.Root}");
            return Shell.Done;
        });
        return command;
    }

    private static void Tell(TwinPlan plan, SourceTraining training, string folder, bool json)
    {
        var design = plan.Design;
        var (trainings, pictures, minutes) = TwinWork.Of(design, training.Manifest?.Seconds);
        if (json)
        {
            Shell.WriteJson(new { twins = design.Seeds.Count, trainings, minutes, pictures, source = design.Source.Identity });
            return;
        }
        string again = design.Source.Seed is { } own ? $", and the source once more (seed {own})" : "";
        string time = minutes is { } t ? FormattableString.Invariant($": about {t} minutes by the source's own {training.Manifest!.Seconds:0} s") : "";
        Console.WriteLine($"recipe     {CanonicalJson.Write(JsonSerializer.SerializeToNode(design.Recipe, Json.Options))}");
        Console.WriteLine($"data       {design.Data.Description}");
        Console.WriteLine($"to train   {design.Seeds.Count} twins, seeds {design.Seeds[0]} to {design.Seeds[^1]}{again}{time}");
        Console.WriteLine($"to draw    {pictures} pictures: {design.Prompts.Count} prompts x {design.Draws} of each of {design.Seeds.Count + 1} models");
        Console.WriteLine($"statement  {design.Statement}");
        Console.WriteLine($"next       cudattr twins train {folder}");
    }

    /// <exception cref="UserException">The source was picked, or nothing is stated.</exception>
    private static void CheckStatement(bool notPicked, string? pickedBy, int? tries)
    {
        if (notPicked && (pickedBy ?? (object?)tries) is not null) throw new UsageException("--not-picked and --picked-by contradict one another");
        if (pickedBy is not null || tries is not null)
            throw new UserException(
                $"a source that was picked out of {tries?.ToString() ?? "several"} models is like none of its twins unless each twin is picked out of as many by "
                + "the same rule, which this program does not do",
                "Train a source once, or pick twins by hand and state so elsewhere.");
        if (!notPicked) throw new UsageException(NoStatement);
    }

    private static string[] Prompts(string file) =>
        [.. Json.ReadText(file, "file of prompts").Split('\n').Select(l => l.Trim()).Where(l => l.Length > 0)];

    private static Option<FileSystemInfo> Path(string name, string description) => new(name)
    {
        Description = $"{description} {ModelOptionSet.Forms}",
        Required = true,
        HelpName = "path",
    };

    private static Argument<DirectoryInfo> Folder() => new("folder") { Description = "The folder of 'twins plan'." };
}
