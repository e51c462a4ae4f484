using CudaAttribution.Runs;
using CudaAttribution.Served;

namespace CudaAttribution.Experiments.Audits;

/// <summary>What the plan of an audit is made from, read once: what it will take is told by it, and then it is planned from.</summary>
/// <param name="Log">What the source served; null without.</param>
/// <param name="Twins">Source and twins; null without.</param>
public sealed record AuditInputs(ServedLog? Log, AuditTwins? Twins)
{
    /// <summary>Reads what the options name.</summary>
    /// <param name="options">The options.</param>
    /// <param name="twins">The twins, where the options name a folder of them.</param>
    /// <exception cref="UserException">The log cannot be read, or its seeds are not chance.</exception>
    public static AuditInputs Read(AuditOptions options, AuditTwins? twins)
    {
        var log = options.Served is { } path ? ServedLogReader.Read(path) : null;
        log?.CheckSeeds();
        return new(log, twins);
    }
}
