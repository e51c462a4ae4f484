using System.Security.Cryptography;
using System.Text;
using CudaAttribution.Runs.Units;

namespace CudaAttribution.Runs.Tests.Units;

/// <summary>
/// Hashes a seed and its inputs over and over, and writes as it goes. Where <see cref="LogVariable"/> names a folder, each computation leaves an entry
/// there when it begins and another when it has ended.
/// </summary>
internal sealed class ChainKind : IUnitKind
{
    public const string LogVariable = "CUDATTR_TEST_COMPUTATIONS";

    public string Name => "chain-1";

    public void Check(WorkUnit unit)
    {
        if (UnitSettings.Read<ChainSettings>(unit).Links < 1) throw new UserException("a chain needs a link", "Ask for one.", unit.Id);
    }

    public void Compute(UnitWork work)
    {
        Log("begin");
        var settings = UnitSettings.Read<ChainSettings>(work.Unit);
        byte[] hash = Encoding.UTF8.GetBytes($"{settings.Seed}");
        foreach (string input in work.Inputs)
            hash = [.. hash, .. File.ReadAllBytes(Directory.Exists(input) ? Path.Combine(input, "end") : input)];
        using (var links = File.Create(work.Folder.Path("links")))
        {
            for (int link = 0; link < settings.Links; link++)
            {
                work.Report("hash", link, settings.Links);
                for (int i = 0; i < settings.Rounds; i++) hash = SHA256.HashData(hash);
                links.Write(hash);
                links.Flush();
            }
        }
        work.Folder.Write("end", hash);
        Log("end");

        void Log(string what)
        {
            if (Environment.GetEnvironmentVariable(LogVariable) is { } log)
                using (File.Create(Path.Combine(log, $"{work.Unit.Id}.{Environment.ProcessId}.{what}"))) { }
        }
    }
}

internal sealed record ChainSettings
{
    public int Seed { get; init; }

    public int Links { get; init; } = 10;

    public int Rounds { get; init; } = 1000;
}
