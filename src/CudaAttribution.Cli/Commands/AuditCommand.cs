using System.CommandLine;
using System.Globalization;
using CudaAttribution.Cli.Options;
using CudaAttribution.Cli.Running;
using CudaAttribution.Experiments.Audits;
using CudaAttribution.Models.Files.Sources;
using CudaAttribution.Remote;
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
        Where there is no log, twins do: models trained as the source was, with other seeds. A suspect that does not depend on which of them was deployed
        resembles the source more than all others as often as any of them. Who has no twins yet has them trained on the way, if 'cudattr finetune' trained the
        source:
          cudattr audit --source my-model --base g0 --twins-count 99 --not-picked --suspect other-model --out audit
        Before anything is begun the command says what it takes (models to train, pictures, queries, money) and asks once.
        Several suspects: with a log the level holds over all of them together (Holm's rule; e-BH where the audit is sequential). Ranks among twins end at
        1/(twins + 1), which no correction survives: there each suspect is judged by itself.
        Verdicts: 'shown', 'not shown', and 'no verdict' where too many answers are unusable or a control fails. Writes audit.json, report.html, every
        answer with its hash chain, and seal.json; 'cudattr evidence verify' checks all of it offline. A run that was stopped goes on with the same command.
        Exit code 3: a suspect has no verdict.
        """;

    public static Command Create()
    {
        var source = new ModelOptionSet("--source", "The owner's model.");
        var baseModel = new Option<FileSystemInfo?>("--base")
        {
            Description = "The model that the source started from: with a log a control, which cannot know the served pictures; and what twins are trained "
                + $"from. {ModelOptionSet.Forms}",
            HelpName = "path",
        };
        var served = new Option<FileSystemInfo?>("--served") { Description = "The log of what the source served.", HelpName = "path" };
        var complete = new Option<bool>("--complete-log")
        {
            Description = "With --served: you state that the log has every picture that was returned for its prompts, also those that somebody threw away. No "
                + "program can see it in a log; plan and report say whether it was stated.",
        };
        var twins = new AuditTwinOptionSet();
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
            Description = "Ask a suspect only until it is shown, and no further. Default where a suspect is a service and there are no twins, which need "
                + "every answer.",
        };
        var decoys = CommonOptions.Data("--decoys", "HTTP suspects only: whose captions decoy prompts are drawn from");
        var yes = new Option<bool>("--yes") { Description = "Do not ask whether to begin." };
        var sampling = new SamplingOptionSet();
        var runOptions = new RunOptionSet();
        var command = new Command("audit", Description) { AuditPlanCommand.Create() };
        source.AddTo(command);
        foreach (var option in new Option[] { baseModel, served, complete }) command.Add(option);
        twins.AddTo(command);
        foreach (var option in new Option[] { suspects, alpha, fresh, prompts, pool, unusable, sequential, decoys, yes }) command.Add(option);
        command.Validators.Add(result =>
        {
            if (result.GetValue(served) is not null) return;
            if (result.GetValue(complete)) result.AddError("--complete-log is about a log: add --served");
            if (result.GetValue(baseModel) is not null && !twins.AreMade(result))
                result.AddError("--base is a control of a log, or what twins are trained from: add --served or --twins-count, or leave it out");
        });
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
                CompleteLog = parsed.GetValue(complete),
                Twins = twins.Folder(parsed, run),
                Primary = parsed.GetValue(served) is null ? PrimaryTest.SourceSwap : PrimaryTest.ServedVersusFresh,
                Suspects = [.. asked.Select(Path.GetFullPath)],
                Alpha = parsed.GetValue(alpha),
                Fresh = parsed.GetValue(fresh),
                Prompts = parsed.GetValue(prompts),
                Pool = Math.Max(parsed.GetValue(pool), parsed.GetValue(prompts)),
                Unusable = parsed.GetValue(unusable),
                Sequential = parsed.GetValue(sequential) ?? (parsed.GetValue(served) is not null && twins.Folder(parsed, run) is null && asked.Any(SuspectOpener.IsService)),
                Seed = run.Seed,
                Sampling = sampling.Read(parsed),
                DecoyPool = parsed.GetValue(decoys) is { } set ? [.. DataArgument.Parse(set).Load(16).Items.Select(i => i.Caption)] : [],
            };
            if (options is { Served: null, Twins: null })
                throw new UsageException(
                    "--served, --twins or --twins-count is needed: what the source served, or models that could have been the source, or how many to train");
            options.Check();
            AuditInputs? inputs = null;
            if (!AuditRun.IsCommitted(run.Out.FullName))
            {
                inputs = AuditInputs.Read(options, twins.Open(parsed, run, options));
                Console.Error.WriteLine(AuditCost.Of(options, inputs));
                if (inputs.Log is not null) Console.Error.WriteLine(ServedPlan.Completeness(options.CompleteLog));
                if (!parsed.GetValue(yes) && !AuditRun.IsBegun(run.Out.FullName) && !Confirmed())
                {
                    Console.Error.WriteLine("cudattr: nothing was begun");
                    return Shell.Failed;
                }
            }
            using var session = new RunSession("audit", run);
            var register = new AttemptRegister(Path.Combine(run.Ledger.DirectoryName!, AttemptRegister.FileName));
            AuditResult result;
            using (var view = new StageLine())
            using (var cancel = new CancelKey())
            {
                result = new AuditRun(session.Device, session.Folder, options, inputs, register, session.Recorder, view.Report).Run(cancel.Token);
            }
            session.Finish();
            AuditSeal.Of(session.Folder.Root).Write(session.Folder);
            if (run.Json) Shell.WriteJson(result);
            else Print(result);
            return result.Suspects.Any(s => s.Verdict == Verdict.NoVerdict) ? Shell.CheckFailed : Shell.Done;
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
        if (result.Suspects.Count > 1) Console.WriteLine($"correction over {result.Suspects.Count} suspects: {Words(result.Correction)}");
    }

    private static string Words(Correction correction) => correction switch
    {
        Correction.None => "none, each was judged by itself",
        Correction.EBenjaminiHochberg => "e-BH",
        _ => "Holm",
    };

    private static string Share(double share) => (100 * share).ToString("0.#", CultureInfo.InvariantCulture) + " %";

    private static string Scientific(double value) => value.ToString(value is >= 0.001 and < 1000 ? "0.###" : "0.0e+0", CultureInfo.InvariantCulture);

    private static Option<double> Number(string name, string description, double byDefault) =>
        new(name) { Description = description, DefaultValueFactory = _ => byDefault, HelpName = "x" };

    private static Option<int> Count(string name, string description, int byDefault) =>
        new(name) { Description = description, DefaultValueFactory = _ => byDefault, HelpName = "n" };
}
