using System.CommandLine;
using System.Globalization;
using CudaAttribution.Cli.Options;
using CudaAttribution.Cli.Running;
using CudaAttribution.Experiments.Campaigns;
using CudaAttribution.Experiments.Plans;
using CudaAttribution.Experiments.Units;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Units;
using Spectre.Console;

namespace CudaAttribution.Cli.Commands;

/// <summary><c>cudattr experiment paper</c>: the published method in a world of small models.</summary>
internal static class PaperCommand
{
    private const string StoreFolder = "units";

    private const string Description =
        """
        The experiments of Zhang et al. (2024), which this program's indications come from, in a world of small models. Trains sources, models that learned
        from shares of their pictures, innocents of every family and shadow models; selects keys by both strategies and at random; asks all models; and
        makes the paper's tables:
          E1  conf against rho, by strategy and by where the prompts come from      E4  bins of distances
          E2  conf at rho 0.3 where all key prompts were among them                 E5  conf against the number of keys
          E3  a discriminator that learned from shadow models                       E6  what the discriminator says of lawful models of the source's own data
        Writes report.html, paper.json, a CSV file a table, the discriminators, and says of each finding whether it holds here. Everything is a work unit
        (folder units): a run that was stopped goes on with the same command, and --jobs or --slurm spread it.
        """;

    public static Command Create()
    {
        var budget = new Option<string>("--budget")
        {
            Description = $"Which of the recipes that ship: {string.Join(" or ", PaperRecipe.Budgets)}. quick takes about two hours on two cores, paper has the paper's numbers.",
            DefaultValueFactory = _ => PaperRecipe.Budgets[0], HelpName = "name",
        };
        budget.AcceptOnlyFromAmong([.. PaperRecipe.Budgets]);
        var recipeFile = new Option<FileInfo?>("--recipe") { Description = "JSON with every number, in place of a budget.", HelpName = "file" };
        var models = new Option<DirectoryInfo?>("--models") { Description = "Folder with the base model; default: those that ship.", HelpName = "folder" };
        var (runOptions, workers) = (new RunOptionSet(), new WorkerOptionSet());
        var command = new Command("paper", Description) { budget, recipeFile, models };
        runOptions.AddTo(command);
        workers.AddWorkersTo(command);
        command.SetAction(parsed =>
        {
            var run = runOptions.Read(parsed);
            if (parsed.GetValue(recipeFile) is not null && parsed.GetResult(budget) is { Implicit: false })
                throw new UsageException("--recipe and --budget contradict one another");
            var recipe = PaperRecipe.Load(parsed.GetValue(budget)!, parsed.GetValue(recipeFile)?.FullName);
            using var session = new RunSession("experiment paper", run);
            var (place, options, engine) = (session.Folder, workers.Read(parsed, run), UnitEngine.Of(session.Device));
            using var claim = Claim.Take(place, "paper-run.json", new Claimed(recipe, run.Seed, engine), "experiments");
            var store = UnitStore.OpenOrCreate(place.Path(StoreFolder));
            var plan = new PaperPlan(recipe, run.Seed, store, parsed.GetValue(models)?.FullName ?? Path.Combine(AppContext.BaseDirectory, "models"), engine);
            store.Add(plan.Graph);
            var computed = UnitRun.All(store, plan.Graph.Results, options);
            if (!computed.IsComplete) return UnitRun.Report(store, computed, options.Json);
            var result = new PaperTables(recipe, run.Seed, plan, store).Count(new RunFolder(place.Path("discriminators")));
            place.WriteJson(PaperResult.FileName, result);
            foreach (var (file, text) in PaperPage.Csv(result)) place.Write(file, text);
            place.Write(PaperPage.FileName, PaperPage.Render(result, recipe));
            session.Finish(StoreFolder);
            if (run.Json) Shell.WriteJson(result);
            else Print(result, place.Path(PaperPage.FileName));
            return Shell.Done;
        });
        return command;
    }

    private static void Print(PaperResult result, string page)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns("", "finding", "here", "figures");
        foreach (var c in result.Findings)
            table.AddRow(Markup.Escape(c.Experiment), Markup.Escape(c.Statement), c.Held ? "held" : "not held", Markup.Escape(c.Figure));
        AnsiConsole.Write(table);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{result.Findings.Count(c => c.Held)} of {result.Findings.Count} findings held; tables and figures: {page}"));
    }

    private sealed record Claimed(PaperRecipe Recipe, ulong Seed, UnitEngine? Engine);
}
