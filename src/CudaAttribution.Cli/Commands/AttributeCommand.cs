using System.CommandLine;
using System.Globalization;
using CudaAttribution.Answers;
using CudaAttribution.Cli.Options;
using CudaAttribution.Cli.Running;
using CudaAttribution.Evidence;
using CudaAttribution.Keys;
using CudaAttribution.Remote;
using CudaAttribution.Reports;
using CudaAttribution.Runs;
using CudaAttribution.Shadows;
using Spectre.Console;

namespace CudaAttribution.Cli.Commands;

/// <summary><c>cudattr attribute</c>: indications about one suspect.</summary>
internal static class AttributeCommand
{
    private const string Description =
        """
        Asks the suspect every key prompt once, with fresh noise, counts, and ranks the counts among reference innocents: indications, which make no
        verdict. 'audit' gives one.
        conf: answers near the key's reference picture. paired: answers closer to the source's picture than to the real one it learnt from. Each has a rank p
        in each of the families real-other, real-same, real-own, sibling and twin, and the largest counts; a family with fewer than 1/alpha - 1 members
        leaves no p. The tail of a beta-binomial that is printed beside it is model-based, not a p-value.
        The published rule (Zhang et al. 2024) needs no references: it accuses where more keys are hit than an innocent model with a chance of 4.3 % a key
        would hit. It accuses lawful models too, those trained on the same real pictures in the same way, and is printed to show what the paper's rule
        would say. Writes result.json, manifest.json, images/ and report.html. Exit code 3, and no p, if too many answers are unusable: refused,
        failed, blank, or one picture for all prompts.

        A suspect behind an HTTP service is described by a JSON file, for example suspect.json:
          {"schema": "cudattr-http-suspect-1", "preset": "openai-images", "url": "https://api.example.com",
           "headers": {"Authorization": {"env": "SUSPECT_TOKEN", "prefix": "Bearer "}}, "body_changes": {"model": "painter-2"},
           "width": 1024, "height": 1024, "decoys_per_key": 2,
           "limits": {"calls_per_minute": 10, "cost_per_call": 0.04, "budget": 5, "retries": 4, "timeout_seconds": 120}}
        Presets: openai-images (today's models), openai-images-2023 (dall-e-2, dall-e-3), automatic1111, comfyui, and custom: give "body" with {prompt} {seed} {width} {height} {steps} {guidance} {sampler}
        {negative_prompt}, and "response": {"base64": "data[0].b64_json"}, {"url": PATH} or {"raw": true}. Secrets are named, never written: each
        stands in the environment variable that "env" names. Every answer is on disk (queries.jsonl, queries/) before the next query goes out: a run
        that was stopped, or that ran out of budget, goes on with the same command and asks nothing twice. 'cudattr serve' offers a model of yours in
        this way, to try it. docs/http-suspects.md describes every member.
        """;

    public static Command Create()
    {
        var keysFolder = new Option<DirectoryInfo>("--keys") { Description = "The frozen keys.", Required = true, HelpName = "folder" };
        var suspect = new Option<FileInfo>("--suspect")
        {
            Description = "The suspect: a folder in diffusers' layout, a folder 'suspect build' wrote, a single file in the original layout "
                + "(.safetensors, .ckpt), or a JSON file (.json) that describes an HTTP service.",
            Required = true,
            HelpName = "folder|file",
        };
        var nullFile = new Option<FileInfo?>("--null")
        {
            Description = "null.json of 'innocents score' for the same keys; without it there are shares and the published rule only.",
            HelpName = "file",
        };
        var alpha = new Option<double>("--alpha")
        {
            Description = "Level of the published rule; a family needs enough references for a rank p of this.",
            DefaultValueFactory = _ => new AttributionOptions().Alpha,
            HelpName = "x",
        };
        var maxUnusable = new Option<double>("--max-unusable")
        {
            Description = "Largest share of unusable answers with which there are p-values.",
            DefaultValueFactory = _ => new AttributionOptions().MaxUnusable,
            HelpName = "x",
        };
        var discriminator = new Option<DirectoryInfo?>("--discriminator")
        {
            Description = "Folder of 'discriminator train' on shadows that were asked these keys, once each: its score is shown beside the counts.",
            HelpName = "folder",
        };
        var decoys = CommonOptions.Data("--decoys", "HTTP suspects only: whose captions decoy prompts are drawn from");
        var sampling = new SamplingOptionSet();
        var runOptions = new RunOptionSet();
        var descriptor = CommonOptions.Descriptor();
        var command = new Command("attribute", Description) { keysFolder, suspect, nullFile, discriminator, descriptor, alpha, maxUnusable, decoys };
        sampling.AddTo(command);
        runOptions.AddTo(command);
        command.SetAction(parsed =>
        {
            var run = runOptions.Read(parsed);
            using var session = new RunSession("attribute", run);
            var keys = KeySet.Load(parsed.GetValue(keysFolder)!.FullName);
            var nulls = parsed.GetValue(nullFile) is { } file ? NullTable.Load(file.FullName) : null;
            var learned = parsed.GetValue(discriminator) is { } folder ? DiscriminatorFolder.Load(folder.FullName) : null;
            learned?.CheckAskedOnce(keys);
            if (nulls is null && session.Folder.Has(NullTable.FileName))
                throw new UserException("the folder has the references of another run", "Name them, or another folder.", session.Folder.Root) { Setting = "null" };
            using var line = new ProgressLine("asking the suspect");
            using var cancel = new CancelKey();
            var suspectOptions = new SuspectOptions
            {
                Device = session.Device,
                Sampling = sampling.Read(parsed),
                Folder = session.Folder,
                Size = (keys.Keys[0].Medoid.Width, keys.Keys[0].Medoid.Height),
                DecoyPool = parsed.GetValue(decoys) is { } set ? Captions(set, keys) : [],
                Derived = Console.Error.WriteLine,
                Progress = (done, total) => line.Report(done, total),
            };
            var options = new AttributionOptions { Alpha = parsed.GetValue(alpha), MaxUnusable = parsed.GetValue(maxUnusable), Seed = run.Seed };
            using var opened = SuspectOpener.Open(parsed.GetValue(suspect)!.FullName, suspectOptions);
            using var store = AnswerStore.Of(session.Folder);
            var result = AttributionJob.Run(
                keys, nulls, opened, session.Device, store, session.Folder, options, session.Recorder, learned, cancel.Token,
                parsed.GetValue(descriptor)?.FullName).Run.Result;
            session.EnterIntoLedger(new(
                result.Unusable is null ? "indications" : "unusable answers",
                result.Indications.ToDictionary(i => i.Name, i => i.Share)));
            if (run.Json) Shell.WriteJson(result);
            else Print(result);
            return result.Unusable is not null ? Shell.CheckFailed : Shell.Done;
        });
        return command;
    }

    private static string[] Captions(string set, KeySet keys) =>
        [.. DataArgument.Parse(set).Load(keys.Keys[0].Medoid.Width).Items.Select(i => i.Caption)];

    private static void Print(AttributionResult r)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns(["indication", .. r.Indications.Select(i => i.Name)]);
        Row("answers", i => $"{i.Count} of {i.Trials}");
        Row("share", i => Number(i.Share, "0.00"));
        Row(Number(100 * r.IntervalLevel, "0.#") + " % interval", i => $"{Number(i.Interval.Low, "0.00")} to {Number(i.Interval.High, "0.00")}");
        foreach (var (k, family) in r.Conf.Families.Index())
            Row($"rank p, {family.Family} (m = {family.References})", i => family.References == 0 ? "-" : Number(i.Families[k].PValue, "0.###"));
        Row("p, the largest", i => Number(i.PValue, "0.###"));
        Row("model-based, not a p-value", i => i.ModelBased is { } m ? $"{Number(m.PLow, "0.0e+0")} to {Number(m.PHigh, "0.0e+0")}" : "-");
        AnsiConsole.Write(table);
        foreach (string why in r.Indications.Select(i => i.WithoutP).OfType<string>().Distinct()) Console.WriteLine($"no p: {why}");
        if (r.Published is { } p)
            Console.WriteLine(
                $"published rule: {(p.Accuses ? "accuses" : "does not accuse")} ({p.Hits} of {r.Conf.Trials} keys hit, "
                + $"{(p.Needed is { } n ? $"{n} needed" : "all would not be enough")}, p = {Number(p.P, "0.0e+0")}); it accuses lawful models too");
        if (r.Discriminator is { } d)
            Console.WriteLine(
                $"discriminator: score {Number(d.Score, "0.00")}, {(d.Infringing ? "above" : "not above")} the threshold {Number(d.Threshold, "0.00")} (AUC of its held-out shadows {Number(d.HeldOutAuc, "0.00")}{(d.HeldOutAuc > 0.5 ? "" : ": the score says nothing")})");
        Console.WriteLine("Indications make no verdict; 'cudattr audit' gives one.");
        if (r.Remote is { } remote)
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"asked {remote.Host}{remote.Path}: {remote.Calls} calls ({remote.Retries} retries), {remote.Refusals} refusals, "
                + $"{remote.Failures} failures, {remote.Decoys} decoys, cost {remote.Cost}"));
            if (remote.Ignored is { } ignored) Console.Error.WriteLine($"warning: the service did not do what it was asked to: {ignored}");
        }

        void Row(string name, Func<Indication, string> cell) => table.AddRow([name, .. r.Indications.Select(cell)]);

        static string Number(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "-";
    }
}
