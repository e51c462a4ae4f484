using CudaAttribution.Experiments.Plans;
using CudaAttribution.Experiments.Units;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Units;
using CudaAttribution.Tensors;
using CudaAttribution.Twins;

namespace CudaAttribution.Experiments.Audits;

/// <summary>Source and twins for an audit: a finished set, or one whose units are computed when the audit begins.</summary>
public sealed class AuditTwins
{
    private readonly Func<TwinSet> _set;

    private AuditTwins(TwinDesign design, TwinWork? work, Func<TwinSet> set) => (Design, Work, _set) = (design, work, set);

    public TwinDesign Design { get; }

    /// <summary>What is to be computed yet; null where the set is finished.</summary>
    public TwinWork? Work { get; }

    /// <summary>The twins of a folder of <c>twins plan</c> or of an earlier audit, as far as they are.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="seconds">What the source's own training took; null where that is not known.</param>
    /// <param name="compute">Has units computed, and all that they need.</param>
    /// <exception cref="UserException">There are none.</exception>
    public static AuditTwins In(string folder, double? seconds, Func<UnitStore, IReadOnlyList<string>, RunnerResult> compute)
    {
        if (File.Exists(Path.Combine(folder, TwinSet.FileName)))
        {
            var set = TwinSet.Load(folder);
            return new(set.Design, null, () => set);
        }
        var plan = TwinPlan.Load(folder);
        return new(plan.Design, TwinWork.Left(plan, TwinPlan.StoreOf(folder), seconds), () => Make(plan, folder, compute));
    }

    /// <summary>Twins that are wanted. Where the folder has these, as far as they are, they are taken; nothing is written before the set is asked for.</summary>
    /// <param name="request">What is wanted.</param>
    /// <param name="device">Opens base and source, with the engine that trains and draws.</param>
    /// <inheritdoc cref="In" path="/param"/>
    /// <exception cref="UserException">Such twins cannot be trained, or the folder has others.</exception>
    public static AuditTwins Of(
        TwinRequest request, ComputeDevice device, string folder, double? seconds, Func<UnitStore, IReadOnlyList<string>, RunnerResult> compute)
    {
        var design = request.Design(device);
        if (Exists(folder))
        {
            var there = In(folder, seconds, compute);
            // What the source is called decides nothing.
            return Json.Write(there.Design) == Json.Write(design with { Source = design.Source with { Name = there.Design.Source.Name } })
                ? there
                : throw new UserException(
                    $"the folder has other twins than these {design.Seeds.Count}", "Name another folder for these, or take those that are there.", folder)
                { Setting = "twins" };
        }
        var engine = UnitEngine.Of(device);
        return new(design, TwinWork.Of(design, seconds), () => Make(request.Plan(design, engine, new RunFolder(folder)), folder, compute));
    }

    /// <summary>Whether a folder has twins, finished or planned.</summary>
    public static bool Exists(string folder) => new[] { TwinSet.FileName, TwinPlan.FileName }.Any(name => File.Exists(Path.Combine(folder, name)));

    /// <summary>The finished set; what it lacks is trained and drawn first.</summary>
    /// <exception cref="UserException">A unit has no result; the next call goes on with what is there.</exception>
    public TwinSet Set() => _set();

    private static TwinSet Make(TwinPlan plan, string folder, Func<UnitStore, IReadOnlyList<string>, RunnerResult> compute)
    {
        var store = TwinPlan.StoreOf(folder);
        var result = compute(store, plan.Units().Graph.Results);
        if (result.IsComplete) return plan.Assemble(store, new RunFolder(folder));
        UnitEnd[] open = [.. result.Units.Where(u => !u.IsFinished)];
        throw new UserException(
            $"{open.Length} of {result.Units.Count} units of the twins have no result: {open[0].Reason.TrimEnd('.')}",
            "Repeat the command: it goes on with what is there.", folder);
    }
}
