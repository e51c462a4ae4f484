using System.CommandLine;
using System.Globalization;
using CudaAttribution.Cli.Options;
using CudaAttribution.Cli.Running;
using CudaAttribution.Experiments;
using CudaAttribution.Experiments.Plans;
using CudaAttribution.Reports;
using CudaAttribution.Runs;
using CudaAttribution.Verdicts;
using Spectre.Console;

namespace CudaAttribution.Cli.Commands;

/// <summary><c>cudattr demo</c>: the main job from end to end on small models that ship with the program.</summary>
internal static class DemoCommand
{
    private const string Description =
    """
    The main job on small models, live, on the CPU in minutes: the shipped source serves two accounts; six suspects are trained (wholly and half on what an
    account downloaded, on other real pictures, on unseen real pictures of the source's set, on the very pictures that the source was trained on, and
    exactly as the source was, with another seed); each is put to the published method, which accuses lawful ones; and one audit says whose downloads were
    used by whom (folder audit, which 'cudattr evidence verify' checks). Writes summary.json and report.html.
    A run that was cut off goes on where it was when the command is repeated.
    """;

    public static Command Create()
    {
        var models = new Option<DirectoryInfo?>("--models")
        {
            Description = "Folder with the base model, the source and its twins; default: those that ship.",
            HelpName = "folder",
        };
        var recipe = new Option<FileInfo?>("--recipe")
        {
            Description = "JSON with every number of the experiment; default: the one that ships.",
            HelpName = "file",
        };
        var runOptions = new RunOptionSet();
        var command = new Command("demo", Description) { models, recipe };
        runOptions.AddTo(command);
        command.SetAction(parsed =>
        {
            var run = runOptions.Read(parsed);
            using var session = new RunSession("demo", run);
            var options = new DemoOptions
            {
                ModelsFolder = parsed.GetValue(models)?.FullName ?? Path.Combine(AppContext.BaseDirectory, "models"),
                Out = session.Folder.Root,
                Seed = run.Seed,
                Recipe = DemoRecipe.Load(parsed.GetValue(recipe)?.FullName),
                CommandLine = session.CommandLine,
            };
            DemoSummary summary;
            using (var view = new DemoView())
            using (var cancel = new CancelKey())
            {
                summary = new DemoExperiment(session.Device, options, view.Show).Run(cancel.Token);
            }
            session.EnterIntoLedger();
            if (run.Json) Shell.WriteJson(summary);
            else Print(summary, session.Folder);
            return Shell.Done;
        });
        return command;
    }

    private static void Print(DemoSummary summary, RunFolder folder)
    {
        var table = new Table().Border(TableBorder.Simple)
            .AddColumns("suspect", "rho", "trained on", "verdict", "p", "found", "queries until shown", "p of swap", "conf", "published rule");
        foreach (var s in summary.Suspects)
        {
            table.AddRow(
                s.Name, Number(s.Rho, "0.0"), s.Family, s.Verdict switch { Verdict.Shown => "[red]shown[/]", Verdict.NotShown => "not shown", _ => "no verdict" },
                Number(s.PValue, "0.0e+0"), s.Found.Count == 0 ? "-" : string.Join(", ", s.Found.Select(f => $"{f.Nearest} of {f.Of} of {f.Account}")),
                $"{s.QueriesToShown?.ToString(CultureInfo.InvariantCulture) ?? "-"}", s.SwapPValue is { } p ? Number(p, "0.00") : "-", Number(s.Conf, "0.00"),
                s.PublishedAccuses switch { true => "accuses", false => "does not", null => "-" });
        }
        AnsiConsole.Write(table);
        Console.WriteLine(
            "found: answers that are nearest to the picture that was really served, among 20. conf: share of keys reproduced, what the published rule goes by. "
            + $"{Number(summary.Seconds, "0")} s.");
        Console.WriteLine($"report: {folder.Path(ReportContext.FileName)}");
    }

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    /// <summary>Shows the stages on standard error.</summary>
    private sealed class DemoView : IDisposable
    {
        private ProgressLine? _line;

        public void Show(DemoEvent happened)
        {
            switch (happened)
            {
                case DemoStageStarted s:
                    _line = new ProgressLine($"[{s.Number}/{s.Of}] {s.Title}");
                    break;
                case DemoStageProgress p:
                    _line?.Report(p.Progress);
                    break;
                case DemoStageFinished f:
                    Dispose();
                    string time = f.Reused ? " (kept from before)" : $", {Number(f.Seconds, "0.0")} s";
                    Console.Error.WriteLine($"  {f.Title}: {f.Outcome}{time}");
                    break;
                default:
                    break;
            }
        }

        public void Dispose()
        {
            _line?.Dispose();
            _line = null;
        }
    }
}
