using System.CommandLine;
using System.Globalization;
using CudaAttribution.Answers;
using CudaAttribution.Cli.Options;
using CudaAttribution.Cli.Running;
using CudaAttribution.Experiments.Plans;
using CudaAttribution.Remote;
using CudaAttribution.Shadows;

namespace CudaAttribution.Cli.Commands;

/// <summary><c>cudattr discriminator train|score</c>: the statistical level.</summary>
internal static class DiscriminatorCommand
{
    public static Command Create() =>
        new("discriminator", "Tells suspects by what shadow models of both kinds answer: the statistical level of Zhang et al. (2024).")
        { CreateTrain(), CreateScore() };

    private static Command CreateTrain()
    {
        var shadows = new Argument<DirectoryInfo>("shadows") { Description = "The folder of 'shadow train'." };
        var c = new Option<double>("--c") { Description = "C of the regression: the weight of the answers against the penalty.", DefaultValueFactory = _ => 1, HelpName = "x" };
        var (folder, json) = (CommonOptions.Out(), CommonOptions.Json());
        var command = new Command(
            "train",
            "Learns a logistic regression on features of the shadows' answers: how near each is to the source's picture and to the base model's. Each shadow is "
            + "held out once; the threshold lies midway between the mean held-out scores of the two kinds. Writes discriminator.json, keys/ and baseline/.")
        { shadows, folder, c, json };
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(c) is not (> 0 and < double.PositiveInfinity)) throw new UsageException("--c must be a positive number");
            string path = parsed.GetValue(shadows)!.FullName;
            var learned = ShadowPlan.Load(path).Learn(path, parsed.GetValue(c), parsed.GetValue(folder)!.FullName);
            if (parsed.GetValue(json)) Shell.WriteJson(learned);
            else Print(learned);
            return Shell.Done;
        });
        return command;
    }

    private static Command CreateScore()
    {
        var discriminator = new Option<DirectoryInfo>("--discriminator") { Description = "The folder of 'discriminator train'.", Required = true, HelpName = "folder" };
        var suspect = new Option<FileInfo>("--suspect")
        {
            Description = $"The suspect. {ModelOptionSet.Forms} Or a JSON file (.json) that describes an HTTP service.", Required = true, HelpName = "folder|file",
        };
        var sampling = new SamplingOptionSet();
        var runOptions = new RunOptionSet();
        var command = new Command(
            "score",
            "Asks a suspect the keys and scores its answers: the mean logit that they are those of a model that learned from the source's pictures, beside the "
            + "scores of the held-out shadows. Writes score.json, features.json and manifest.json. A score is an indication and makes no verdict: what no shadow "
            + "was like, such as a lawful model of the source's own real pictures, may score on either side.")
        { discriminator, suspect };
        sampling.AddTo(command);
        runOptions.AddTo(command);
        command.SetAction(parsed =>
        {
            var run = runOptions.Read(parsed);
            var given = DiscriminatorFolder.Load(parsed.GetValue(discriminator)!.FullName);
            var (learned, keys) = (given.Discriminator, given.Keys);
            using var session = new RunSession("discriminator score", run);
            session.Input("discriminator", given.Sha256);
            using var line = new ProgressLine("answers");
            using var cancel = new CancelKey();
            using var opened = SuspectOpener.Open(parsed.GetValue(suspect)!.FullName, new SuspectOptions
            {
                Device = session.Device, Sampling = sampling.Read(parsed), Folder = session.Folder,
                Size = (keys.Keys[0].Medoid.Width, keys.Keys[0].Medoid.Height), Derived = Console.Error.WriteLine,
                Progress = (done, total) => line.Report(done, total),
            });
            session.Model("suspect", opened.Model.Identity, null);
            using var store = AnswerStore.Of(session.Folder);
            var features = given.Features(session.Device).Of(
                opened.Model, NoisePurpose.Testing, run.Seed, store, (done, total) => line.Report(done, total), cancel.Token);
            var score = learned.Score(features);
            session.Folder.WriteJson(ModelFeatures.FileName, features);
            session.Folder.WriteJson(
                ScoredSuspect.FileName,
                new ScoredSuspect(ScoredSuspect.CurrentSchema, opened.Model.Name, opened.Model.Identity, score, features.Failures, learned.Shadows));
            session.Finish();
            if (run.Json) Shell.WriteJson(score);
            else
            {
                Print(learned);
                Console.WriteLine(Text($"{opened.Model.Name}: score {score.Score:0.00}, {(score.Infringing ? "above" : "not above")} the threshold {score.Threshold:0.00}; {features.Failures} of {features.Rows.Count} keys without an answer"));
                Console.WriteLine("A score is an indication and makes no verdict; 'cudattr audit' gives one.");
            }
            return Shell.Done;
        });
        return command;
    }

    private static void Print(Discriminator learned)
    {
        foreach (bool infringing in (bool[])[true, false])
        {
            double[] scores = [.. learned.Shadows.Where(s => s.Rho > 0 == infringing).Select(s => s.HeldOut).Order()];
            Console.WriteLine(Text($"{(infringing ? "infringing" : "innocent")} shadows, each held out: {scores[0]:0.00} to {scores[^1]:0.00} ({scores.Length})"));
        }
        Console.WriteLine(Text($"threshold {learned.Threshold:0.00}; AUC of the held-out shadows {learned.HeldOutAuc:0.00}{(learned.HeldOutAuc > 0.5 ? "" : ": scores say nothing")}"));
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
