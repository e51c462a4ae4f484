using System.CommandLine;
using System.CommandLine.Parsing;

namespace CudaAttribution.Cli.Options;

/// <summary>Values of the options that say who computes units.</summary>
/// <param name="Jobs">Workers at a time; null for none.</param>
/// <param name="Slurm">Whether a Slurm cluster runs them.</param>
/// <param name="Sbatch">Arguments for sbatch.</param>
/// <param name="Device">Where to compute.</param>
/// <param name="Threads">Threads of a host device; null for its default.</param>
/// <param name="Ledger">The ledger.</param>
/// <param name="Json">Whether the result is printed as JSON.</param>
internal sealed record WorkerOptions(int? Jobs, bool Slurm, string[] Sbatch, string Device, int? Threads, FileInfo Ledger, bool Json)
{
    /// <summary>Whether units are computed by processes of their own.</summary>
    public bool Elsewhere => Jobs is not null || Slurm;
}

/// <summary>These options, to be added to a command and read back.</summary>
internal sealed class WorkerOptionSet
{
    private readonly Option<int?> _jobs = new("--jobs")
    {
        Description = "Workers at a time: as many as fit into the cores and the memory.",
        HelpName = "n",
    };

    private readonly Option<bool> _slurm = new("--slurm") { Description = "Have a Slurm cluster run them." };

    private readonly Option<string[]> _sbatch = new("--sbatch")
    {
        Description = "With --slurm: an argument of sbatch, such as --sbatch=--gpus=1 or --sbatch=--time=60; several allowed.",
        HelpName = "argument",
    };

    private readonly Option<string> _device = CommonOptions.Device();
    private readonly Option<int?> _threads = CommonOptions.Threads();
    private readonly Option<FileInfo> _ledger = CommonOptions.Ledger();

    public Option<bool> Json { get; } = CommonOptions.Json();

    /// <summary>Who computes.</summary>
    public IReadOnlyList<Option> Workers => [_jobs, _slurm, _sbatch];

    public void AddTo(Command command)
    {
        AddWorkersTo(command);
        foreach (var option in new Option[] { _device, _threads, _ledger, Json }) command.Add(option);
    }

    /// <summary>The options that name no place, for a command that has <see cref="RunOptionSet"/>.</summary>
    public void AddWorkersTo(Command command)
    {
        foreach (var option in Workers) command.Add(option);
        command.Validators.Add(result =>
        {
            if (result.GetValue(_jobs) is < 1) result.AddError("--jobs must be at least 1");
            if (result.GetValue(_jobs) is not null && result.GetValue(_slurm)) result.AddError("--jobs and --slurm exclude one another");
            if (result.GetValue(_sbatch) is { Length: > 0 } && !result.GetValue(_slurm)) result.AddError("--sbatch needs --slurm");
        });
    }

    /// <summary>As <see cref="WorkerOptions.Elsewhere"/>, while the command line is checked.</summary>
    public bool Elsewhere(CommandResult result) => result.GetValue(_jobs) is not null || result.GetValue(_slurm);

    public WorkerOptions Read(ParseResult parsed) => new(
        parsed.GetValue(_jobs), parsed.GetValue(_slurm), parsed.GetValue(_sbatch) ?? [], parsed.GetValue(_device)!, parsed.GetValue(_threads),
        parsed.GetValue(_ledger)!, parsed.GetValue(Json));

    /// <summary>Workers where the other options say.</summary>
    public WorkerOptions Read(ParseResult parsed, RunOptions run) => new(
        parsed.GetValue(_jobs), parsed.GetValue(_slurm), parsed.GetValue(_sbatch) ?? [], run.Device, run.Threads, run.Ledger, run.Json);
}
