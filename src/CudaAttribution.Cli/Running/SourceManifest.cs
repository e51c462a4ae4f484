using System.CommandLine;
using CudaAttribution.Answers;
using CudaAttribution.Cli.Options;
using CudaAttribution.Experiments.Plans;
using CudaAttribution.Models.Files.SingleFile;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Manifests;

namespace CudaAttribution.Cli.Running;

/// <summary>How a source was trained, by the <c>manifest.json</c> that <c>finetune</c> left beside it.</summary>
internal static class SourceManifest
{
    private const string Command = "finetune", ModelPrefix = LocalModel.FolderName + "/";
    private const string Remedy = "Move the manifest away, and state how the source was trained by finetune's options.";

    /// <summary>The manifest of the <c>finetune</c> that gave a source, or null where there is none.</summary>
    /// <param name="source">A model, or the folder of a run.</param>
    public static string? Find(string source)
    {
        string given = Path.TrimEndingDirectorySeparator(Path.GetFullPath(source));
        string run = Path.GetFileName(given) == LocalModel.FolderName ? Path.GetDirectoryName(given)! : given;
        string file = Path.Combine(run, RunManifest.FileName);
        return File.Exists(file) && Read(file).Command == Command ? file : null;
    }

    /// <summary>What a manifest says, its command line being read by the options of <c>finetune</c> themselves.</summary>
    /// <param name="file">The manifest.</param>
    /// <param name="source">The model, which must be the one that it is about.</param>
    /// <returns>How it was trained, and the engine that was asked for.</returns>
    /// <exception cref="UserException">It is another model's, or says what a twin cannot be given.</exception>
    public static (SourceTraining Training, string Math) Training(string file, string source)
    {
        var manifest = Read(file);
        CheckModel(manifest, file, LocalModel.ModelFolder(source));
        var options = new FineTuningOptionSet();
        var command = new Command(Command);
        options.AddTo(command);
        // The first two are the program and the command.
        var parsed = command.Parse([.. manifest.CommandLine.Skip(2)]);
        if (parsed.Errors.Count > 0) throw new UserException($"its command line cannot be read: {parsed.Errors[0].Message.TrimEnd('.')}", Remedy, file);
        if (options.Base.Read(parsed) is not { Configs.Count: 0, Adapters.Count: 0, UNetWeights: UNetWeights.Plain, Prediction: null })
            throw new UserException(
                "the source was trained from a base model that was changed as it was read (--config, --lora, --unet-weights, --prediction-type)",
                "Write that base model with 'cudattr convert', and train a source from it.", file);
        var run = options.Common.Run.Read(parsed);
        var training = new SourceTraining
        {
            Recipe = options.Recipe(parsed),
            Data = DataArgument.Parse(parsed.GetValue(options.Common.Data)!),
            OnBadImage = parsed.GetValue(options.Common.OnBadImage),
            Seed = run.Seed,
            Manifest = manifest,
        };
        return (training, run.Math);
    }

    /// <summary>How long that training took.</summary>
    public static double SecondsOf(string file) => Read(file).Seconds;

    private static RunManifest Read(string file)
    {
        var manifest = Json.Read<RunManifest>(file, "manifest");
        Json.CheckSchema(manifest.Schema, RunManifest.CurrentSchema, file);
        return manifest;
    }

    private static void CheckModel(RunManifest manifest, string file, string model)
    {
        var then = manifest.Outputs.Where(o => o.Key.StartsWith(ModelPrefix, StringComparison.Ordinal)).ToArray();
        bool Same(string name, string hash) => Path.Combine(model, name[ModelPrefix.Length..]) is var now && File.Exists(now) && RunFolder.HashFile(now) == hash;
        if (then.Length == 0 || !then.All(o => Same(o.Key, o.Value)))
            throw new UserException("this manifest is not about the model beside it", Remedy, file);
    }
}
