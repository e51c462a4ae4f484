using System.CommandLine;

namespace CudaAttribution.Cli.Options;

/// <summary>Values of the options that every computing command has.</summary>
/// <param name="Device">Where to compute.</param>
/// <param name="Math">Engine of matrix products and convolutions.</param>
/// <param name="Threads">Threads of a host device; null for its default.</param>
/// <param name="Seed">Seed of everything random; 0 in a command that has nothing random.</param>
/// <param name="Out">Folder to write.</param>
/// <param name="Ledger">The ledger.</param>
/// <param name="Json">Whether the result is printed as JSON.</param>
internal sealed record RunOptions(string Device, string Math, int? Threads, ulong Seed, DirectoryInfo Out, FileInfo Ledger, bool Json);

/// <summary>These options, to be added to a command and read back.</summary>
internal sealed class RunOptionSet
{
    private readonly Option<string> _device = CommonOptions.Device();
    private readonly Option<string> _math = CommonOptions.Math();
    private readonly Option<int?> _threads = CommonOptions.Threads();
    private readonly Option<ulong>? _seed;
    private readonly Option<DirectoryInfo> _out;
    private readonly Option<FileInfo> _ledger = CommonOptions.Ledger();
    private readonly Option<bool> _json = CommonOptions.Json();

    /// <param name="defaultOut">The folder where none is named; null demands one.</param>
    /// <param name="random">Whether the command has anything random, and so a seed.</param>
    public RunOptionSet(string? defaultOut = null, bool random = true)
    {
        _seed = random ? CommonOptions.Seed() : null;
        _out = CommonOptions.Out(required: defaultOut is null);
        if (defaultOut is not null) _out.DefaultValueFactory = _ => new DirectoryInfo(defaultOut);
    }

    public void AddTo(Command command)
    {
        foreach (var option in new Option?[] { _out, _device, _math, _threads, _seed, _ledger, _json }.OfType<Option>()) command.Add(option);
    }

    public RunOptions Read(ParseResult parsed) => new(
        parsed.GetValue(_device)!,
        parsed.GetValue(_math)!,
        parsed.GetValue(_threads),
        _seed is null ? 0 : parsed.GetValue(_seed),
        parsed.GetValue(_out)!,
        parsed.GetValue(_ledger)!,
        parsed.GetValue(_json));
}
