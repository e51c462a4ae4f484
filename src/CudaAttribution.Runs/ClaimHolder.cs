using System.Globalization;

namespace CudaAttribution.Runs;

/// <summary>What a lock file says of the process that holds a <see cref="Claim"/>.</summary>
/// <param name="Machine">Name of its machine.</param>
/// <param name="Kernel">Tells running systems apart: within one of them locks decide, also between containers, and between two the lease does.</param>
/// <param name="ProcessId">The process.</param>
/// <param name="Renewed">Its last sign of life.</param>
/// <param name="Nonce">Tells its claim from every other one.</param>
public sealed record ClaimHolder(string Machine, string Kernel, int ProcessId, DateTimeOffset Renewed, string Nonce)
{
    private const string BootIdFile = "/proc/sys/kernel/random/boot_id";

    private static readonly string ThisKernel = File.Exists(BootIdFile) ? File.ReadAllText(BootIdFile).Trim() : Environment.MachineName;

    public bool IsOnThisMachine => Kernel == ThisKernel;

    /// <summary>Time since its last sign.</summary>
    public TimeSpan LastSign => DateTimeOffset.UtcNow - Renewed;

    /// <summary>A guess for those who only look: the process runs or, on another machine, its lease has not run out.</summary>
    public bool SeemsAlive => IsOnThisMachine ? Directory.Exists($"/proc/{ProcessId}") : LastSign < Claim.Lease;

    public override string ToString() => $"process {ProcessId} on {Machine}";

    internal static ClaimHolder Me(DateTimeOffset now, string nonce) => new(Environment.MachineName, ThisKernel, Environment.ProcessId, now, nonce);

    internal string Write() =>
        string.Join('\n', Machine, Kernel, ProcessId.ToString(CultureInfo.InvariantCulture), Renewed.ToString("O", CultureInfo.InvariantCulture), Nonce);

    /// <summary>Null where the text is none: an empty file is one whose maker was killed before it wrote.</summary>
    internal static ClaimHolder? Parse(string text)
    {
        string[] lines = text.Split('\n');
        return lines.Length == 5
            && int.TryParse(lines[2], CultureInfo.InvariantCulture, out int process)
            && DateTimeOffset.TryParse(lines[3], CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out var renewed)
            ? new ClaimHolder(lines[0], lines[1], process, renewed, lines[4])
            : null;
    }
}
