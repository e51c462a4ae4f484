using CudaAttribution.Answers;
using CudaAttribution.Cli.Options;
using CudaAttribution.Ledger;
using CudaAttribution.Reports;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Manifests;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;

namespace CudaAttribution.Cli.Running;

/// <summary>One run of a command that computes: its device, its folder, its manifest and its row in the ledger.</summary>
internal sealed class RunSession : IDisposable
{
    private readonly FileInfo _ledger;

    /// <summary>Opens the device and makes the folder; both fail before anything is computed.</summary>
    public RunSession(string command, RunOptions options)
    {
        Device = ComputeDevice.Open(options.Device, options.Math, threads: options.Threads);
        try
        {
            Folder = new RunFolder(options.Out.FullName);
            _ledger = options.Ledger;
            Recorder = RecordedRun.On(Device, command, CommandLine, options.Seed);
        }
        catch
        {
            Device.Dispose();
            throw;
        }
        var info = Device.Driver.Info;
        Console.Error.WriteLine(
            $"cudattr {command}: {info.Id} ({info.Name}, {info.InstructionSet}, {info.Units()}), maths {Device.Math.Name}, seed {options.Seed}");
    }

    public ComputeDevice Device { get; }

    public RunFolder Folder { get; }

    public RunRecorder Recorder { get; }

    /// <summary>The command that repeats the run.</summary>
    public IReadOnlyList<string> CommandLine { get; } = ["cudattr", .. Environment.GetCommandLineArgs()[1..]];

    public void Input(string name, string hash) => Recorder.Input(name, hash);

    /// <summary>Notes a model that the run is given, and shows what had to be derived of it.</summary>
    /// <param name="name">What it is to the run.</param>
    /// <param name="identity">Its identity.</param>
    /// <param name="derivation">As <see cref="CudaAttribution.Models.Diffusion.DiffusionModel.Derivation"/>.</param>
    public void Model(string name, string identity, string? derivation)
    {
        Input(name, identity);
        if (derivation is not null) Console.Error.WriteLine(derivation);
    }

    /// <summary>Writes the manifest, which marks the run as finished, and enters it into the ledger.</summary>
    /// <param name="store">Folder of work units, whose results have manifests of their own; null for none.</param>
    public void Finish(string? store = null)
    {
        Folder.WriteJson(
            RunManifest.FileName,
            Recorder.Describe(Folder, name => !AnswerStore.Holds(name) && (store is null || !name.StartsWith(store + "/", StringComparison.Ordinal))));
        EnterIntoLedger();
    }

    /// <summary>Enters a run whose manifest has been written.</summary>
    public void EnterIntoLedger(LedgerOutcome? outcome = null)
    {
        using var ledger = RunLedger.Open(_ledger.FullName);
        var manifest = Json.Read<RunManifest>(Folder.Path(RunManifest.FileName), "manifest");
        var entry = ledger.Add(Folder.Root, manifest, outcome);
        Console.Error.WriteLine($"wrote {Folder.Root} (run {entry.Id})");
    }

    public void Dispose() => Device.Dispose();
}
