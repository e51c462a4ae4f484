using System.CommandLine;
using CudaAttribution.Cli.Options;
using CudaAttribution.Cli.Running;
using CudaAttribution.Experiments.Campaigns;
using CudaAttribution.Experiments.Plans;
using CudaAttribution.Experiments.Units;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Units;

namespace CudaAttribution.Cli.Commands;

/// <summary><c>cudattr experiment calibration</c>: how often the exact tests accuse.</summary>
internal static class CalibrationCommand
{
    private const string StoreFolder = "units";

    private const string Description =
        """
        How often do the exact tests accuse? Trains innocents of every family (twins of the source, models of its own real pictures, of others, of another
        source's output) and models that learned from served pictures, puts all to served-versus-fresh and source-swap as an audit does, and counts alarms.
        Writes calibration.json, calibration.md and manifest.json. Everything is a work unit (folder units): a run that was stopped goes on with the same command, and
        --jobs or --slurm spread it. The recipe that ships takes about an hour on two cores.
        Exit code 3: innocents were accused more often than chance explains.
        """;

    public static Command Create()
    {
        var recipeFile = new Option<FileInfo?>("--recipe") { Description = "JSON with every number; default: the one that ships.", HelpName = "file" };
        var models = new Option<DirectoryInfo?>("--models")
        {
            Description = "Folder with the base model, the source and its twins; default: those that ship.", HelpName = "folder",
        };
        var (runOptions, workers) = (new RunOptionSet(), new WorkerOptionSet());
        var command = new Command("calibration", Description) { recipeFile, models };
        runOptions.AddTo(command);
        workers.AddWorkersTo(command);
        command.SetAction(parsed =>
        {
            var run = runOptions.Read(parsed);
            var recipe = CalibrationRecipe.Load(parsed.GetValue(recipeFile)?.FullName);
            using var session = new RunSession("experiment calibration", run);
            var (place, options, engine) = (session.Folder, workers.Read(parsed, run), UnitEngine.Of(session.Device));
            using var claim = Claim.Take(place, "calibration-run.json", new Claimed(recipe, run.Seed, engine), "calibration");
            var store = UnitStore.OpenOrCreate(place.Path(StoreFolder));
            var contents = CalibrationContents.Import(store, recipe, parsed.GetValue(models)?.FullName ?? Path.Combine(AppContext.BaseDirectory, "models"));
            foreach (var (name, content) in new[] { ("base", contents.Base), ("source", contents.Source), ("twins", contents.Twins) }) session.Input(name, content);
            var plan = new CalibrationPlan(recipe, run.Seed, contents, engine);
            store.Add(plan.Graph);
            var computed = UnitRun.All(store, plan.Graph.Results, options);
            if (!computed.IsComplete) return UnitRun.Report(store, computed, options.Json);
            var result = new Calibration(recipe, run.Seed, plan, store).Count();
            string page = CalibrationPage.Render(result, recipe);
            place.Write(CalibrationPage.FileName, page);
            place.WriteJson(CalibrationResult.FileName, result);
            session.Finish(StoreFolder);
            if (run.Json) Shell.WriteJson(result);
            else Console.Write(page);
            return result.Excesses.Any() ? Shell.CheckFailed : Shell.Done;
        });
        return command;
    }

    private sealed record Claimed(CalibrationRecipe Recipe, ulong Seed, UnitEngine? Engine);
}
