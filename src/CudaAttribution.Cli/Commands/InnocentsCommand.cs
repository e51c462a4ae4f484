using System.CommandLine;
using CudaAttribution.Answers;
using CudaAttribution.Cli.Options;
using CudaAttribution.Cli.Running;
using CudaAttribution.Evidence;
using CudaAttribution.Keys;
using CudaAttribution.Measures;
using CudaAttribution.Populations;
using CudaAttribution.Runs;

namespace CudaAttribution.Cli.Commands;

/// <summary><c>cudattr innocents build|score</c>: the models that say what innocence looks like.</summary>
internal static class InnocentsCommand
{
    public static Command Create() =>
        new("innocents", "Reference innocents: models that are known not to have seen the source's pictures.") { CreateBuild(), CreateScore() };

    private static Command CreateBuild()
    {
        var baseModel = new Option<FileSystemInfo>("--base")
        {
            Description = $"G0, the model they are fine-tuned from. {ModelOptionSet.Forms}",
            Required = true,
            HelpName = "path",
        };
        var plan = new Option<FileInfo>("--plan")
        {
            Description = "JSON: training settings and for each model its name, family (real-other, real-same, real-own, sibling, twin, untouched), "
                + "split (SEL, CAL, NULL), data and seed. With a law ({\"steps\": [low, high]}, likewise learning_rate, count, guidance) each draws its own "
                + "settings; twins take source_training.",
            Required = true,
            HelpName = "file",
        };
        var runOptions = new RunOptionSet();
        var command = new Command("build", "Fine-tunes the innocents of a plan. Finished ones are kept, so a killed build goes on.")
        { baseModel, plan };
        runOptions.AddTo(command);
        command.SetAction(parsed =>
        {
            var run = runOptions.Read(parsed);
            var file = parsed.GetValue(plan)!;
            var described = InnocentPlan.Load(file.FullName);
            using var session = new RunSession("innocents build", run);
            var tuner = new FineTuner(session.Device, parsed.GetValue(baseModel)!.FullName);
            session.Input("plan", RunFolder.HashFile(file.FullName));
            session.Model("base", tuner.BaseIdentity, tuner.BaseDerivation);
            InnocentSet set;
            using (var line = new ProgressLine("innocents"))
            using (var cancel = new CancelKey())
            {
                set = new InnocentBuilder(session.Device, tuner).Build(
                    described,
                    file.DirectoryName!,
                    session.Folder.Root,
                    (m, p) => line.Report(p.Done, p.Total, $"{m.Name}: {p.Activity}"),
                    cancel.Token);
            }
            session.Finish();
            if (run.Json) Shell.WriteJson(set.Members);
            return Shell.Done;
        });
        return command;
    }

    private static Command CreateScore()
    {
        var keysFolder = new Option<DirectoryInfo>("--keys") { Description = "The frozen keys.", Required = true, HelpName = "folder" };
        var innocents = new Option<DirectoryInfo>("--innocents")
        {
            Description = "Folder of reference innocents; those of splits CAL and NULL are asked.",
            Required = true,
            HelpName = "folder",
        };
        var sampling = new SamplingOptionSet();
        var runOptions = new RunOptionSet();
        var descriptor = CommonOptions.Descriptor();
        var command = new Command("score", "Puts the keys to the innocents and writes null.json, which 'attribute' ranks suspects among.")
        { keysFolder, innocents, descriptor };
        sampling.AddTo(command);
        runOptions.AddTo(command);
        command.SetAction(parsed =>
        {
            var run = runOptions.Read(parsed);
            using var session = new RunSession("innocents score", run);
            var keys = KeySet.Load(parsed.GetValue(keysFolder)!.FullName);
            session.Input("keys", keys.Hash);
            var set = InnocentSet.Load(parsed.GetValue(innocents)!.FullName);
            var recipe = sampling.Read(parsed);
            var members = InnocentScorer.MembersOf(set, (path, name) => LocalModel.Open(path, session.Device, recipe, name));
            using var store = AnswerStore.Of(session.Folder);
            NullTable table;
            using (var line = new ProgressLine("scoring innocents"))
            using (var cancel = new CancelKey())
            {
                table = new InnocentScorer(MeasureRegistry.Create(keys.Header.Metric, session.Device, parsed.GetValue(descriptor)?.FullName), store)
                    .Score(keys, members, run.Seed, (done, total) => line.Report(done, total), cancel.Token);
            }
            session.Folder.WriteJson(NullTable.FileName, table);
            session.Finish();
            if (run.Json) Shell.WriteJson(table.Models.Select(m => new { m.Name, m.Family, m.Split, m.Hits, m.PairedWins }));
            return Shell.Done;
        });
        return command;
    }
}
