using System.CommandLine;
using System.Globalization;
using CudaAttribution.Answers;
using CudaAttribution.Cli.Options;
using CudaAttribution.Cli.Running;
using CudaAttribution.Evidence;
using CudaAttribution.Keys;
using CudaAttribution.Remote;
using CudaAttribution.Reports;

namespace CudaAttribution.Cli.Commands;

/// <summary><c>cudattr attribute</c>: judges one suspect.</summary>
internal static class AttributeCommand
{
    private const string Description =
        """
        Asks the suspect every key prompt once, with fresh noise, and judges: 'infringing' if both tests reject innocence at alpha, else 'not shown';
        'no verdict', with exit code 3, if too many answers are unusable: refused, failed, blank, or one picture for all prompts.
        conf: more keys are hit than by models that never saw the source's pictures. paired: the answers are closer to the source's pictures than to
        the real ones, compared with models trained on the real ones. Writes result.json, manifest.json, images/ and report.html.

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
        var nullFile = new Option<FileInfo>("--null")
        {
            Description = "null.json of 'innocents score' for the same keys.",
            Required = true,
            HelpName = "file",
        };
        var alpha = new Option<double>("--alpha")
        {
            Description = "Largest p-value that is called infringing.",
            DefaultValueFactory = _ => new AttributionOptions().Alpha,
            HelpName = "x",
        };
        var maxUnusable = new Option<double>("--max-unusable")
        {
            Description = "Largest share of unusable answers with which there is a verdict.",
            DefaultValueFactory = _ => new AttributionOptions().MaxUnusable,
            HelpName = "x",
        };
        var decoys = CommonOptions.Data("--decoys", "HTTP suspects only: whose captions decoy prompts are drawn from");
        var sampling = new SamplingOptionSet();
        var runOptions = new RunOptionSet();
        var command = new Command("attribute", Description) { keysFolder, suspect, nullFile, alpha, maxUnusable, decoys };
        sampling.AddTo(command);
        runOptions.AddTo(command);
        command.SetAction(parsed =>
        {
            var run = runOptions.Read(parsed);
            using var session = new RunSession("attribute", run);
            var keys = KeySet.Load(parsed.GetValue(keysFolder)!.FullName);
            var nulls = NullTable.Load(parsed.GetValue(nullFile)!.FullName);
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
                keys, nulls, opened, session.Device, store, session.Folder, options, session.Recorder, cancel.Token).Run.Result;
            session.EnterIntoLedger(new(result.Verdict, new Dictionary<string, double>
            {
                [RunsCommand.Conf] = result.Conf, [RunsCommand.PValue] = result.PValue,
            }));
            if (run.Json) Shell.WriteJson(result);
            else Print(result);
            return result.Verdict == Verdict.NoVerdict ? Shell.CheckFailed : Shell.Done;
        });
        return command;
    }

    private static string[] Captions(string set, KeySet keys) =>
        [.. DataArgument.Parse(set).Load(keys.Keys[0].Medoid.Width).Items.Select(i => i.Caption)];

    private static void Print(AttributionResult r)
    {
        Console.WriteLine(r.Verdict);
        Console.WriteLine(r.Reason);
        Console.WriteLine(
            $"conf {r.Conf:0.00} ({r.Hits} of {r.N} keys within {r.Threshold} {r.Metric}), paired {r.Paired:0.00}, "
            + $"p = {r.PValue:0.0e+0} (alpha {r.Alpha})");
        if (r.Remote is { } remote)
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"asked {remote.Host}{remote.Path}: {remote.Calls} calls ({remote.Retries} retries), {remote.Refusals} refusals, "
                + $"{remote.Failures} failures, {remote.Decoys} decoys, cost {remote.Cost}"));
            if (remote.Ignored is { } ignored) Console.Error.WriteLine($"warning: the service did not do what it was asked to: {ignored}");
        }
    }
}
