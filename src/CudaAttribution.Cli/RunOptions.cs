using System.CommandLine;

namespace CudaAttribution.Cli;

/// <summary>Values of the options that every computing command has.</summary>
internal sealed record RunOptions(string Device, string Math, ulong Seed, DirectoryInfo Out, FileInfo Ledger, bool Json);

/// <summary>These options, to be added to a command and read back.</summary>
internal sealed class RunOptionSet
{
    private readonly Option<string> _device = CommonOptions.Device();
    private readonly Option<string> _math = CommonOptions.Math();
    private readonly Option<ulong> _seed = CommonOptions.Seed();
    private readonly Option<DirectoryInfo> _out;
    private readonly Option<FileInfo> _ledger = CommonOptions.Ledger();
    private readonly Option<bool> _json = CommonOptions.Json();

    public RunOptionSet(string? defaultOut = null)
    {
        _out = CommonOptions.Out(required: defaultOut is null);
        if (defaultOut is not null) _out.DefaultValueFactory = _ => new DirectoryInfo(defaultOut);
    }

    public void AddTo(Command command)
    {
        foreach (Option option in new Option[] { _out, _device, _math, _seed, _ledger, _json }) command.Add(option);
    }

    public RunOptions Read(ParseResult parsed) => new(
        parsed.GetValue(_device)!,
        parsed.GetValue(_math)!,
        parsed.GetValue(_seed),
        parsed.GetValue(_out)!,
        parsed.GetValue(_ledger)!,
        parsed.GetValue(_json));
}
