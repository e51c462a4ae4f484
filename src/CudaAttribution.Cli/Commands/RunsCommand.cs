using System.CommandLine;
using System.Globalization;
using CudaAttribution.Cli.Options;
using CudaAttribution.Cli.Running;
using CudaAttribution.Ledger;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Manifests;
using Spectre.Console;

namespace CudaAttribution.Cli.Commands;

/// <summary><c>cudattr runs list|show</c>: the ledger.</summary>
internal static class RunsCommand
{
    public static Command Create()
    {
        var ledger = CommonOptions.Ledger();
        var json = CommonOptions.Json();
        var limit = new Option<int>("--limit") { Description = "Rows at most.", DefaultValueFactory = _ => 30, HelpName = "n" };
        var list = new Command("list", "The latest runs, newest first.") { ledger, limit, json };
        list.SetAction(parsed =>
        {
            using var runs = RunLedger.Open(parsed.GetValue(ledger)!.FullName);
            Row[] entries = [.. runs.List(parsed.GetValue(limit)).Select(Row.Of)];
            if (parsed.GetValue(json)) Shell.WriteJson(entries);
            else Print(entries);
            return Shell.Done;
        });
        var id = new Argument<string>("id") { Description = "The run's id or its first digits." };
        var show = new Command("show", "One run: its row, and whether its folder still is what it was.") { id, ledger, json };
        show.SetAction(parsed =>
        {
            using var runs = RunLedger.Open(parsed.GetValue(ledger)!.FullName);
            var entry = Row.Of(runs.Show(parsed.GetValue(id)!));
            string state = State(entry);
            if (parsed.GetValue(json)) Shell.WriteJson(new { run = entry, state });
            else Print(entry, state);
            return Shell.Done;
        });
        return new Command("runs", "Looks at the ledger of finished runs.") { list, show };
    }

    private static void Print(Row[] entries)
    {
        if (entries.Length == 0)
        {
            Console.WriteLine("no runs yet");
            return;
        }
        var table = new Table().Border(TableBorder.Simple).AddColumns("id", "finished (UTC)", "command", "outcome", "figures", "folder");
        foreach (var e in entries)
        {
            table.AddRow(e.Id, Time(e), e.Command, Markup.Escape(e.Outcome ?? "-"), Markup.Escape(Figures(e)), Markup.Escape(e.Folder));
        }
        AnsiConsole.Write(table);
    }

    private static void Print(Row e, string state)
    {
        Console.WriteLine($"run       {e.Id}");
        Console.WriteLine($"finished  {Time(e)} UTC");
        Console.WriteLine($"command   {e.Command}");
        if (e.Outcome is not null) Console.WriteLine($"outcome   {e.Outcome} ({Figures(e)})");
        Console.WriteLine($"folder    {e.Folder}");
        Console.WriteLine($"manifest  {e.ManifestHash}: {state}");
    }

    private static string State(Row e)
    {
        string manifest = Path.Combine(e.Folder, RunManifest.FileName);
        if (!File.Exists(manifest)) return "the folder is gone";
        return RunFolder.HashFile(manifest) == e.ManifestHash ? "unchanged" : "CHANGED since the run";
    }

    private static string Time(Row e) => e.Time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);

    private static string Figures(Row e) => e.Figures.Count == 0
        ? "-"
        : string.Join(", ", e.Figures.Select(f => $"{f.Key} {f.Value.ToString(f.Value is 0 or >= 0.001 ? "0.00#" : "0.0e+0", CultureInfo.InvariantCulture)}"));

    /// <summary>A run as this command shows it.</summary>
    private sealed record Row(
        string Id, DateTimeOffset Time, string Command, string? Outcome, IReadOnlyDictionary<string, double> Figures, string Folder, string ManifestHash)
    {
        public static Row Of(LedgerEntry e) => new(e.Id, e.Time, e.Command, e.Outcome, e.Figures, e.Folder, e.ManifestHash);
    }
}
