using System.CommandLine;
using CudaAttribution.Cli.Options;
using CudaAttribution.Cli.Running;
using CudaAttribution.Experiments.Units;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Units;
using Spectre.Console;

namespace CudaAttribution.Cli.Commands;

/// <summary><c>cudattr unit plan|import|run|list|show</c>: long work as a graph of small, killable pieces.</summary>
internal static class UnitCommand
{
    private const string Description =
    """
    Long work in small pieces that may be killed at any moment. A unit is a kind of work, its settings and its inputs; its id is their hash, and its
    result lies in a store under that id. So no unit is computed twice, by whichever plan, process or machine, and none is ever half there:
      1. unit import   puts a model or other data into the store, and prints the hash that plans call it by
      2. unit plan     enters the units of a plan (JSON), and prints their ids
      3. unit run      computes them: one in this process, or all that they need by several workers or a Slurm cluster
      4. unit list, unit show   say what is there, what failed and why
    Whatever stops a run, the same command goes on with it. docs/units.md has the files.
    """;

    private const int ShortId = 12;

    public static Command Create() => new("unit", Description) { CreateImport(), CreatePlan(), UnitRunCommand.Create(), CreateList(), CreateShow() };

    public static Option<DirectoryInfo> Store() => new("--store")
    {
        Description = "Folder of the units and their results; several processes and machines may use one.",
        Required = true,
        HelpName = "folder",
    };

    private static Command CreateImport()
    {
        var path = new Argument<string>("path") { Description = "A file or a folder: a model, a data set." };
        var store = Store();
        var command = new Command("import", "Copies data into the store, and prints the hash that plans name it by.") { path, store };
        command.SetAction(parsed =>
        {
            Console.WriteLine(UnitStore.OpenOrCreate(parsed.GetValue(store)!.FullName).Import(parsed.GetValue(path)!));
            return Shell.Done;
        });
        return command;
    }

    private static Command CreatePlan()
    {
        var file = new Argument<FileInfo>("file") { Description = "The plan: {\"schema\", \"units\": {NAME: {\"kind\", \"settings\", \"inputs\"}}, \"results\": [NAME]}." };
        var store = Store();
        var json = CommonOptions.Json();
        var command = new Command(
            "plan",
            "Enters the units of a plan into the store, and prints the ids of its results. Nothing is computed; what is wrong with the plan is said now.")
        { file, store, json };
        command.SetAction(parsed =>
        {
            var graph = UnitPlan.Load(parsed.GetValue(file)!.FullName).Resolve();
            using var devices = new UnitDevices(_ => throw new InvalidOperationException("planning computes nothing"));
            var kinds = ExperimentKinds.All(devices);
            foreach (var unit in graph.Units) kinds.Of(unit);
            var units = UnitStore.OpenOrCreate(parsed.GetValue(store)!.FullName);
            units.Add(graph);
            int finished = graph.Units.Count(u => units.IsFinished(u.Id));
            Console.Error.WriteLine($"{graph.Units.Count} units, {finished} of them finished already");
            if (parsed.GetValue(json)) Shell.WriteJson(new { units = graph.Units.Select(u => u.Id), results = graph.Results, finished });
            else foreach (string id in graph.Results) Console.WriteLine(id);
            return Shell.Done;
        });
        return command;
    }

    private static Command CreateList()
    {
        var store = Store();
        var json = CommonOptions.Json();
        var command = new Command("list", "All units of the store: planned, running, interrupted, failed or finished.") { store, json };
        command.SetAction(parsed =>
        {
            var units = UnitStore.Open(parsed.GetValue(store)!.FullName);
            var rows = units.Ids().Select(id => (Unit: units.Read(id), State: units.StateOf(id))).ToArray();
            if (parsed.GetValue(json)) Shell.WriteJson(rows.Select(r => new { id = r.Unit.Id, kind = r.Unit.Kind, state = Word(r.State) }));
            else Print(rows);
            return Shell.Done;
        });
        return command;
    }

    private static Command CreateShow()
    {
        var id = new Argument<string>("id") { Description = "The unit's id or its first digits." };
        var store = Store();
        var json = CommonOptions.Json();
        var command = new Command("show", "One unit: what it is, what it is made from, and whether its result still is what it was.") { id, store, json };
        command.SetAction(parsed =>
        {
            var units = UnitStore.Open(parsed.GetValue(store)!.FullName);
            var unit = units.Read(units.Resolve(parsed.GetValue(id)!));
            var state = units.StateOf(unit.Id);
            var changed = state == UnitState.Finished ? units.Changed(unit.Id) : [];
            string? reason = state == UnitState.Failed ? units.ReasonOf(unit.Id) : null;
            if (parsed.GetValue(json))
                Shell.WriteJson(new { unit = unit.Document(), id = unit.Id, state = Word(state), folder = units.FolderOf(unit.Id), reason, changed });
            else Print(units, unit, state, reason, changed);
            return changed.Count == 0 ? Shell.Done : Shell.CheckFailed;
        });
        return command;
    }

    private static void Print((WorkUnit Unit, UnitState State)[] rows)
    {
        if (rows.Length == 0)
        {
            Console.WriteLine("no units yet");
            return;
        }
        var table = new Table().Border(TableBorder.Simple).AddColumns("id", "kind", "state");
        foreach (var (unit, state) in rows) table.AddRow(unit.Id[..ShortId], Markup.Escape(unit.Kind), Word(state));
        AnsiConsole.Write(table);
    }

    private static void Print(UnitStore store, WorkUnit unit, UnitState state, string? reason, IReadOnlyList<string> changed)
    {
        Console.WriteLine($"unit      {unit.Id}");
        Console.WriteLine($"kind      {unit.Kind}");
        Console.WriteLine($"settings  {CanonicalJson.Write(unit.Settings)}");
        foreach (string input in unit.Inputs) Console.WriteLine($"input     {input}");
        Console.WriteLine($"state     {Word(state)}");
        if (reason is not null) Console.WriteLine($"reason    {reason}");
        Console.WriteLine($"folder    {store.FolderOf(unit.Id)}");
        if (state != UnitState.Finished) return;
        Console.WriteLine(changed.Count == 0 ? "result    unchanged" : $"result    CHANGED since it was computed: {string.Join(", ", changed)}");
    }

    private static string Word(UnitState state) => state.ToString().ToLowerInvariant();
}
