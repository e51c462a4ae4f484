using System.CommandLine;

namespace CudaAttribution.Cli.Commands;

/// <summary><c>cudattr attribute</c>: judges one suspect.</summary>
internal static class AttributeCommand
{
    private const string Description =
        """
        Asks the suspect every key prompt once, with fresh noise, and judges: 'infringing' if both tests reject innocence at alpha, else 'not shown'.
        conf: more keys are hit than by models that never saw the source's pictures. paired: the answers are closer to the source's pictures than to
        the real ones, compared with models trained on the real ones. Writes result.json, manifest.json, images/ and report.html.
        """;

    public static Command Create()
    {
        var keysFolder = new Option<DirectoryInfo>("--keys") { Description = "The frozen keys.", Required = true, HelpName = "folder" };
        var suspectFolder = new Option<DirectoryInfo>("--suspect")
        {
            Description = "The suspect: a model folder, or a folder 'suspect build' wrote.",
            Required = true,
            HelpName = "folder",
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
        var sampling = new SamplingOptionSet();
        var runOptions = new RunOptionSet();
        var command = new Command("attribute", Description) { keysFolder, suspectFolder, nullFile, alpha };
        sampling.AddTo(command);
        runOptions.AddTo(command);
        command.SetAction(parsed =>
        {
            var run = runOptions.Read(parsed);
            using var session = new RunSession("attribute", run);
            var keys = KeySet.Load(parsed.GetValue(keysFolder)!.FullName);
            var nulls = NullTable.Load(parsed.GetValue(nullFile)!.FullName);
            string folder = parsed.GetValue(suspectFolder)!.FullName;
            var recipe = sampling.Read(parsed);
            using var suspect = LocalModel.Open(folder, session.Device, recipe);
            var options = new AttributionOptions
            {
                Alpha = parsed.GetValue(alpha),
                Seed = run.Seed,
                Overlap = SuspectRecord.TryLoad(folder)?.OverlapWith(keys) ?? PromptOverlap.Unknown,
            };
            var judged = new Attributor(DistanceRegistry.Create(keys.Header.Metric, session.Device)).Run(keys, suspect, nulls, options);
            AttributionFolder.Write(session.Folder, judged, session.Recorder, AttributionFolder.LossesOf(folder, suspect.Name));
            session.EnterIntoLedger(judged.Result);
            if (run.Json) Shell.WriteJson(judged.Result);
            else Print(judged.Result);
            return Shell.Done;
        });
        return command;
    }

    private static void Print(AttributionResult r)
    {
        Console.WriteLine(r.Verdict);
        Console.WriteLine(r.Reason);
        Console.WriteLine(
            $"conf {r.Conf:0.00} ({r.Hits} of {r.N} keys within {r.Threshold} {r.Metric}), paired {r.Paired:0.00}, "
            + $"p = {r.PValue:0.0e+0} (alpha {r.Alpha})");
    }
}
