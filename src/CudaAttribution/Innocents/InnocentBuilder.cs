using CudaAttribution.Data.Datasets;
using CudaAttribution.Files;
using CudaAttribution.Querying;
using CudaAttribution.Suspects;
using CudaAttribution.Tensors;

namespace CudaAttribution.Innocents;

/// <summary>One innocent to build.</summary>
public sealed record InnocentMemberPlan
{
    public required string Name { get; init; }

    public required InnocentFamily Family { get; init; }

    public required InnocentSplit Split { get; init; }

    /// <summary>The real pictures, or for a sibling the captions it is asked with; null for untouched.</summary>
    public DataSpec? Data { get; init; }

    /// <summary>Folder of the sibling source; for siblings only. Relative to the plan's file.</summary>
    public string? Source { get; init; }

    public ulong Seed { get; init; }
}

/// <summary>Reference innocents to build: the file that <c>innocents build</c> reads.</summary>
public sealed record InnocentPlan
{
    public const string CurrentSchema = "cudattr-innocent-plan-1";

    public string Schema { get; init; } = CurrentSchema;

    public required FineTuneRecipe Training { get; init; }

    /// <summary>How a sibling source makes its pictures.</summary>
    public SamplingRecipe Sampling { get; init; } = new();

    public required IReadOnlyList<InnocentMemberPlan> Models { get; init; }

    /// <exception cref="AttributionException">Not a plan, or a member lacks what its family needs.</exception>
    public static InnocentPlan Load(string file)
    {
        var plan = Json.Read<InnocentPlan>(file, "plan of innocents");
        Json.CheckSchema(plan.Schema, CurrentSchema, file);
        foreach (var m in plan.Models)
        {
            string? problem =
                m.Family != InnocentFamily.Untouched && m.Data is null ? "names no data"
                : m.Family == InnocentFamily.Untouched && m.Data is not null ? "is untouched and names data"
                : m.Family == InnocentFamily.Sibling && m.Source is null ? "is a sibling and names no source"
                : m.Family != InnocentFamily.Sibling && m.Source is not null ? "is no sibling and names a source"
                : null;
            if (problem is not null) throw new AttributionException($"the innocent '{m.Name}' {problem}", "Correct the plan.", file);
        }
        return plan;
    }
}

/// <summary>Builds reference innocents from G0, one folder each, and their <c>innocents.json</c>. What is finished is kept.</summary>
public sealed class InnocentBuilder(ComputeDevice device, FineTuner tuner)
{
    /// <param name="plan">What to build.</param>
    /// <param name="planFolder">Folder that paths of the plan are relative to.</param>
    /// <param name="path">Where to build.</param>
    /// <param name="progress">The member at work and its progress.</param>
    /// <param name="cancel">Stops at the next checkpoint.</param>
    public InnocentSet Build(
        InnocentPlan plan, string planFolder, string path, Action<InnocentMemberPlan, SuspectProgress>? progress = null,
        CancellationToken cancel = default)
    {
        var folder = new RunFolder(path);
        var members = new List<Innocent>();
        foreach (var member in plan.Models)
        {
            if (member.Family == InnocentFamily.Untouched)
            {
                string g0 = Path.GetRelativePath(folder.Root, Path.GetFullPath(LocalModel.ModelFolder(tuner.BaseFolder)));
                members.Add(new Innocent(member.Name, member.Family, member.Split, tuner.BaseIdentity, g0));
                continue;
            }
            var data = member.Data!.Load(tuner.Size, planFolder);
            using var sibling = member.Source is { } source ? LocalModel.Open(Path.Combine(planFolder, source), device, plan.Sampling) : null;
            var record = new SuspectBuilder(tuner).Build(
                folder.Path(member.Name), PlanOf(plan, member, data), InputsOf(sibling, data), p => progress?.Invoke(member, p), cancel);
            members.Add(new Innocent(member.Name, member.Family, member.Split, record.Identity, $"{member.Name}/{SuspectFiles.Model}"));
        }
        var set = new InnocentSet(folder.Root, members);
        set.Save();
        return set;
    }

    private static SuspectPlan PlanOf(InnocentPlan plan, InnocentMemberPlan member, CaptionedDataset data) => new()
    {
        Name = member.Name,
        Rho = member.Family == InnocentFamily.Sibling ? 1 : 0,
        Count = data.Count,
        RealFamily = member.Family == InnocentFamily.Sibling ? null : member.Family,
        Seed = member.Seed,
        Training = plan.Training,
    };

    private static SuspectInputs InputsOf(LocalModel? sibling, CaptionedDataset data) => sibling is null
        ? new SuspectInputs { Real = data }
        : new SuspectInputs { Source = sibling, PromptPool = [.. data.Items.Select(i => i.Caption)] };
}
