using System.CommandLine;
using System.Globalization;
using CudaAttribution.Cli.Options;
using CudaAttribution.Cli.Running;
using CudaAttribution.Experiments.Audits;
using CudaAttribution.Models.Files.Sources;
using CudaAttribution.Remote;
using CudaAttribution.Statistics;
using CudaAttribution.Verdicts;
using Spectre.Console;

namespace CudaAttribution.Cli.Commands;

/// <summary><c>cudattr audit</c>: from the owner's model and what it served to a verdict on each suspect.</summary>
internal static class AuditCommand
{
    private const string Description =
        """
        Was the suspect trained on pictures that the source generated? One command from the model to the verdict:
          cudattr audit --source my-model --served log --suspect other-model --suspect http.json --out audit
        LOG is what the source really served: a folder with served.tsv (a header; columns prompt, picture, and if known account, time, seed) and the
        pictures, or 'cudattr serve --served-log' wrote it. For each served prompt the source draws fresh pictures, which it could have served just as
        well. Plan, pictures and level are committed to (plan.json, commit.json) before the first query; then every suspect is asked each prompt once.
        A model that does not depend on the served pictures cannot know which of them was served: the served one is nearest to its answers as often as
        any other. The p-value is exact, needs no model that is known to be innocent, and accuses such a model at most at a rate of --alpha.
        Where there is no log, twins do: models trained as the source was, with other seeds ('cudattr twins'). A suspect that does not depend on which of them
        was deployed resembles the source more than all others as often as any of them.
        Verdicts: 'shown', 'not shown', and 'no verdict' where too many answers are unusable or a control fails. Writes audit.json, report.html, every
        answer with its hash chain, and seal.json; 'cudattr evidence verify' checks all of it offline. A run that was stopped goes on with the same command.
        Exit code 3: a suspect has no verdict.
        """;

    public static Command Create()
    {
        var source = new ModelOptionSet("--source", "The owner's model.");
        var baseModel = new Option<FileSystemInfo?>("--base")
        {
            Description = $"The model that the source started from: a control, which cannot know the served pictures. {ModelOptionSet.Forms}",
            HelpName = "path",
        };
        var served = new Option<FileSystemInfo?>("--served") { Description = "The log of what the source served.", HelpName = "path" };
        var twins = new Option<DirectoryInfo?>("--twins")
        {
            Description = "Source and twins with their pictures, as 'twins draw' left them. Without a log the verdict rests on them.", HelpName = "folder",
        };
        var suspects = new Option<string[]>("--suspect")
        {
            Description = "A model, or a JSON file that describes an HTTP service; several allowed.", Required = true, HelpName = "path",
        };
        var defaults = new AuditOptions { Source = new(""), Suspects = [] };
        var alpha = Number("--alpha", "Level: the largest rate at which a model that depends on no served picture is accused.", defaults.Alpha);
        var fresh = Count("--fresh", "Fresh pictures of each served prompt.", defaults.Fresh);
        var prompts = Count("--queries", "Served prompts of each account that are asked at most.", defaults.Prompts);
        var pool = Count("--pool", "Served prompts of each account that they are chosen from, by how much their pictures differ.", defaults.Pool);
        var unusable = Number("--unusable", "Share of a suspect's answers that may be unusable; above it there is no verdict.", defaults.Unusable);
        var sequential = new Option<bool?>("--sequential")
        {
            Description = "Ask a suspect only until it is shown, and no further. Default where a suspect is a service.",
        };
        var decoys = CommonOptions.Data("--decoys", "HTTP suspects only: whose captions decoy prompts are drawn from");
        var yes = new Option<bool>("--yes") { Description = "Do not ask whether to begin." };
        var sampling = new SamplingOptionSet();
        var runOptions = new RunOptionSet();
        var command = new Command("audit", Description) { CreatePlan() };
        source.AddTo(command);
        foreach (var option in new Option[] { baseModel, served, twins, suspects, alpha, fresh, prompts, pool, unusable, sequential, decoys, yes }) command.Add(option);
        sampling.AddTo(command);
        runOptions.AddTo(command);
        command.SetAction(parsed =>
        {
            var run = runOptions.Read(parsed);
            string[] asked = parsed.GetValue(suspects)!;
            var options = new AuditOptions
            {
                Source = source.Read(parsed),
                Base = parsed.GetValue(baseModel) is { } path ? new ModelReference(path.FullName) : null,
                Served = parsed.GetValue(served)?.FullName,
                Twins = parsed.GetValue(twins)?.FullName,
                Primary = parsed.GetValue(served) is null ? PrimaryTest.SourceSwap : PrimaryTest.ServedVersusFresh,
                Suspects = [.. asked.Select(Path.GetFullPath)],
                Alpha = parsed.GetValue(alpha),
                Fresh = parsed.GetValue(fresh),
                Prompts = parsed.GetValue(prompts),
                Pool = Math.Max(parsed.GetValue(pool), parsed.GetValue(prompts)),
                Unusable = parsed.GetValue(unusable),
                Sequential = parsed.GetValue(sequential) ?? (parsed.GetValue(served) is not null && asked.Any(SuspectOpener.IsService)),
                Seed = run.Seed,
                Sampling = sampling.Read(parsed),
                DecoyPool = parsed.GetValue(decoys) is { } set ? [.. DataArgument.Parse(set).Load(16).Items.Select(i => i.Caption)] : [],
            };
            if (options is { Served: null, Twins: null })
                throw new UsageException("--served or --twins is needed: what the source served, or models that could have been the source");
            options.Check();
            var cost = AuditCost.Of(options);
            Console.Error.WriteLine(cost);
            if (!parsed.GetValue(yes) && !File.Exists(Path.Combine(run.Out.FullName, AuditPlan.FileName)) && !Confirmed())
            {
                Console.Error.WriteLine("cudattr: nothing was begun");
                return Shell.Failed;
            }
            using var session = new RunSession("audit", run);
            var register = new AttemptRegister(Path.Combine(run.Ledger.DirectoryName!, AttemptRegister.FileName));
            AuditResult result;
            using (var view = new StageLine())
            using (var cancel = new CancelKey())
            {
                result = new AuditRun(session.Device, session.Folder, options, register, session.Recorder, view.Report).Run(cancel.Token);
            }
            session.Finish();
            AuditSeal.Of(session.Folder.Root).Write(session.Folder);
            if (run.Json) Shell.WriteJson(result);
            else Print(result);
            return result.Suspects.Any(s => s.Verdict == Verdict.NoVerdict) ? Shell.CheckFailed : Shell.Done;
        });
        return command;
    }

    private static Command CreatePlan()
    {
        var defaults = new AuditOptions { Source = new(""), Suspects = [] };
        var alpha = Number("--alpha", "Level of the test.", defaults.Alpha);
        var command = new Command(
            "plan",
            "What an audit can see: the smallest share of tested pictures whose trace it finds with power 0.9, by prompts (queries) and fresh pictures. A trace "
            + "is that the served picture is nearest of all; the other ranks are taken to be as by chance.")
        { alpha };
        command.SetAction(parsed =>
        {
            double level = parsed.GetValue(alpha);
            if (level is not (> 0 and < 1)) throw new UsageException($"--alpha must be between 0 and 1, it is {level}");
            int[] freshes = [4, 9, 19, 39];
            var table = new Table().Border(TableBorder.Simple).AddColumn("prompts");
            foreach (int k in freshes) table.AddColumn($"{k} fresh");
            foreach (int n in new[] { 5, 10, 20, 50, 100, 200, 300 })
                table.AddRow([$"{n}", .. freshes.Select(k => new RankPower(k + 1, n, level).SmallestShare(AuditJudge.Power) is { } f ? Share(f) : "-")]);
            AnsiConsole.Write(table);
            return Shell.Done;
        });
        return command;
    }

    private static bool Confirmed()
    {
        if (Console.IsInputRedirected) throw new UsageException("there is nobody to ask whether to begin: add --yes");
        Console.Error.Write("begin? [y/N] ");
        return Console.ReadLine()?.Trim() is "y" or "Y" or "yes";
    }

    private static void Print(AuditResult result)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns("suspect", "verdict", "p", "E", "queries", "share", "nearest");
        foreach (var s in result.Suspects)
        {
            var ranks = s.Tests.FirstOrDefault(t => t.Ranks is not null)?.Ranks;
            string verdict = s.Verdict switch { Verdict.Shown => "[red]shown[/]", Verdict.NotShown => "not shown", _ => "no verdict" };
            table.AddRow(
                Markup.Escape(s.Name), verdict, Scientific(s.PValue), s.EValue is { } e ? Scientific(e) : "-", $"{s.Queries}", s.Share is { } f ? Share(f) : "-",
                ranks is null ? "-" : $"{ranks.FirstPlaces} of {ranks.Ranks.Count}");
        }
        AnsiConsole.Write(table);
        foreach (var s in result.Suspects) Console.WriteLine($"{s.Name}: {s.Reason}");
    }

    private static string Share(double share) => (100 * share).ToString("0.#", CultureInfo.InvariantCulture) + " %";

    private static string Scientific(double value) => value.ToString(value is >= 0.001 and < 1000 ? "0.###" : "0.0e+0", CultureInfo.InvariantCulture);

    private static Option<double> Number(string name, string description, double byDefault) =>
        new(name) { Description = description, DefaultValueFactory = _ => byDefault, HelpName = "x" };

    private static Option<int> Count(string name, string description, int byDefault) =>
        new(name) { Description = description, DefaultValueFactory = _ => byDefault, HelpName = "n" };

    /// <summary>A line of progress for each stage.</summary>
    private sealed class StageLine : IDisposable
    {
        private ProgressLine? _line;
        private string? _stage;

        public void Report(string stage, int done, int of)
        {
            if (stage != _stage)
            {
                _line?.Dispose();
                (_line, _stage) = (new ProgressLine(stage), stage);
            }
            _line!.Report(done, of);
        }

        public void Dispose() => _line?.Dispose();
    }
}
