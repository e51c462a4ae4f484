using System.CommandLine;
using System.CommandLine.Parsing;
using CudaAttribution.Cli.Options;
using CudaAttribution.Cli.Running;
using CudaAttribution.Experiments.Audits;
using CudaAttribution.Experiments.Plans;
using CudaAttribution.Runs;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Twins;

namespace CudaAttribution.Cli.Commands;

/// <summary>Which twins an audit has: finished ones, or how many are to be made.</summary>
internal sealed class AuditTwinOptionSet
{
    private readonly Option<DirectoryInfo?> _folder = new("--twins")
    {
        Description = "Folder of source and twins with their pictures, of 'twins draw' or of an earlier audit; what is planned there and not finished is "
            + "trained and drawn first. With --twins-count where the new ones go. Default then: OUT-twins, beside the audit. Without a log the verdict "
            + "rests on them.",
        HelpName = "folder",
    };

    private readonly Option<int?> _count = new("--twins-count")
    {
        Description = "Have no twins yet: train so many, by the recipe that 'cudattr finetune' left beside the source. 99 for p = 0.01, 19 for p = 0.05. "
            + "Needs --base and --not-picked. They stay, and a later audit takes them by --twins.",
        HelpName = "n",
    };

    private readonly Option<bool> _notPicked = new("--not-picked")
    {
        Description = "With --twins-count: you state that the source was not picked out of several models for its behaviour. The test needs this, and "
            + "reports print it.",
    };

    private readonly Option<string> _data =
        CommonOptions.Data("--data", "With --twins-count: what the source was trained on, if it does not lie any more where its manifest says");

    private readonly WorkerOptionSet _workers = new();

    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { _folder, _count, _notPicked, _data }) command.Add(option);
        _workers.AddWorkersTo(command);
        command.Validators.Add(Check);
    }

    /// <summary>Whether twins are to be made, while the command line is checked.</summary>
    public bool AreMade(CommandResult result) => result.GetValue(_count) is not null;

    /// <summary>Where the twins are or will be; null where none are wanted.</summary>
    public string? Folder(ParseResult parsed, RunOptions run) =>
        parsed.GetValue(_folder)?.FullName
        ?? (parsed.GetValue(_count) is null ? null : $"{Path.TrimEndingDirectorySeparator(run.Out.FullName)}-twins");

    /// <summary>The twins, as far as they are; those that are wanted are checked, and none is trained.</summary>
    /// <exception cref="UserException">There are none, or such twins cannot be trained.</exception>
    public AuditTwins? Open(ParseResult parsed, RunOptions run, AuditOptions options)
    {
        if (options.Twins is not { } folder) return null;
        string source = options.Source.Path;
        string? manifest = SourceManifest.Find(source);
        var workers = _workers.Read(parsed, run);
        if (parsed.GetValue(_count) is not { } count)
            return AuditTwins.In(folder, manifest is null ? null : SourceManifest.SecondsOf(manifest), (store, ids) => UnitRun.All(store, ids, workers));
        if (options.Base is not { } baseModel) throw new UsageException("--twins-count needs --base: the model that the source was fine-tuned from");
        if (manifest is null)
            throw new UserException(
                "there is no manifest.json beside the source that says how 'cudattr finetune' trained it",
                "State it to 'cudattr twins plan', and give that folder as --twins; the twins of a source that another program trained cannot be made here.", source);
        var (training, engine) = SourceManifest.Training(manifest, source);
        if (parsed.GetValue(_data) is { } set) training = training with { Data = DataArgument.Parse(set) };
        var request = new TwinRequest
        {
            Source = source, Base = baseModel.Path, Training = training, Count = count, DrawingSeed = run.Seed, Sampling = options.Sampling,
            Statement = TwinDesign.NotPicked,
        };
        using var device = ComputeDevice.Open(run.Device, engine, threads: run.Threads);
        return AuditTwins.Of(request, device, folder, training.Manifest!.Seconds, (store, ids) => UnitRun.All(store, ids, workers));
    }

    private void Check(CommandResult result)
    {
        if (AreMade(result))
        {
            if (!result.GetValue(_notPicked)) result.AddError(TwinsCommand.NoStatement);
            return;
        }
        foreach (var option in new Option[] { _notPicked, _data })
            if (result.GetResult(option) is { Implicit: false }) result.AddError($"{option.Name} is about twins that are to be made: add --twins-count");
        if (result.GetValue(_folder) is null && _workers.Workers.FirstOrDefault(o => result.GetResult(o) is { Implicit: false }) is { } worker)
            result.AddError($"{worker.Name} is about twins that are to be made: add --twins-count, or --twins");
    }
}
