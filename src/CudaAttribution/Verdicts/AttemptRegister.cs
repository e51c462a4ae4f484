using System.Security.Cryptography;
using System.Text;
using CudaAttribution.Chain;
using CudaAttribution.Runs;

namespace CudaAttribution.Verdicts;

/// <summary>An audit that was begun: a line of the register of attempts.</summary>
/// <param name="Source">Identity of the source.</param>
/// <param name="Suspect">Identity of the suspect.</param>
/// <param name="Primary">The test that its verdict rests on.</param>
/// <param name="Commit">What the audit committed to.</param>
/// <param name="Folder">Where it is.</param>
public sealed record AuditAttempt(string Source, string Suspect, PrimaryTest Primary, string Commit, string Folder);

/// <summary>
/// Every audit that was ever begun, chained, so that a test is not repeated until it fits: an audit of the same suspect for the same source is told by its
/// number, names the one before, and carries its bet on.
/// </summary>
/// <param name="file">The register.</param>
public sealed class AttemptRegister(string file)
{
    public const string FileName = "attempts.jsonl";

    private const string Kind = "register of attempts";

    private static readonly string Start = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes("cudattr-attempts-1")));

    /// <summary>What a suspect's next audit has to say of those before.</summary>
    /// <param name="source">Identity of the source.</param>
    /// <param name="name">What the suspect is called.</param>
    /// <param name="suspect">Its identity.</param>
    /// <param name="primary">The test that the verdict will rest on.</param>
    /// <exception cref="UserException">
    /// An earlier audit cannot be carried on: its folder is gone or was touched, or its test gives no bet.
    /// </exception>
    public PlannedSuspect Plan(string source, string name, string suspect, PrimaryTest primary)
    {
        AuditAttempt[] before = [.. Records().Where(a => a.Source == source && a.Suspect == suspect)];
        if (before.Length == 0) return new(name, suspect);
        if (primary == PrimaryTest.SourceSwap && before.LastOrDefault(a => a.Primary == primary) is { } swap)
            throw new UserException(
                $"'{name}' was put to the source-swap test before (commitment {swap.Commit[..12]}…): that verdict stands",
                "A test that is repeated until it fits proves nothing; give a served log, with which a bet can go on.", swap.Folder);
        return new(name, suspect, before.Length + 1, before[^1].Commit, before.Where(a => a.Primary == PrimaryTest.ServedVersusFresh).Sum(Capital));
    }

    /// <summary>Enters an audit's suspects, where they are not there yet.</summary>
    public void Enter(AuditPlan plan, string commit, string folder)
    {
        var place = new RunFolder(Path.GetDirectoryName(Path.GetFullPath(file))!);
        using var claim = Claim.Lock(place, Path.GetFileName(file));
        using var chain = HashChain<AuditAttempt>.Open(place, Path.GetFileName(file), Start, Kind);
        if (chain.Records.Any(a => a.Commit == commit)) return;
        foreach (var suspect in plan.Suspects) chain.Append(new(plan.Source.Identity, suspect.Identity, plan.Primary, commit, folder));
    }

    private IEnumerable<AuditAttempt> Records() => File.Exists(file) ? HashChain<AuditAttempt>.Read(file, Start, Kind) : [];

    /// <summary>log10 of the E that an audit reached with its suspect, however far it came.</summary>
    private static double Capital(AuditAttempt attempt)
    {
        string result = Path.Combine(attempt.Folder, AuditResult.FileName);
        if (!File.Exists(result))
            throw new UserException(
                $"an audit of this suspect was begun (commitment {attempt.Commit[..12]}…) and not finished",
                "Finish it with its own command: a test that is broken off and begun anew proves nothing.", attempt.Folder);
        var read = Json.Read<AuditResult>(result, "audit");
        return read.PlanCommit == attempt.Commit && read.Suspects.FirstOrDefault(s => s.Identity == attempt.Suspect) is { OwnLog10E: { } e }
            ? e
            : throw new UserException($"this is not the audit that was begun (commitment {attempt.Commit[..12]}…)", "Restore the folder.", result);
    }
}
