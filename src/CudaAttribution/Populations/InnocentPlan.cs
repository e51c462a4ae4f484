using CudaAttribution.Answers;
using CudaAttribution.Data.Datasets;
using CudaAttribution.Runs;

namespace CudaAttribution.Populations;

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

    /// <exception cref="UserException">Not a plan, a member lacks what its family needs, or two share a name.</exception>
    public static InnocentPlan Load(string file)
    {
        var plan = Json.Read<InnocentPlan>(file, "plan of innocents");
        Json.CheckSchema(plan.Schema, CurrentSchema, file);
        if (plan.Models.GroupBy(m => m.Name).FirstOrDefault(g => g.Count() > 1) is { } same)
            throw new UserException($"{same.Count()} innocents are called '{same.Key}'", "Give each its own name: it is that of its folder.", file);
        foreach (var m in plan.Models)
        {
            string? problem =
                m.Family != InnocentFamily.Untouched && m.Data is null ? "names no data"
                : m.Family == InnocentFamily.Untouched && m.Data is not null ? "is untouched and names data"
                : m.Family == InnocentFamily.Sibling && m.Source is null ? "is a sibling and names no source"
                : m.Family != InnocentFamily.Sibling && m.Source is not null ? "is no sibling and names a source"
                : null;
            if (problem is not null) throw new UserException($"the innocent '{m.Name}' {problem}", "Correct the plan.", file);
        }
        return plan;
    }

    /// <summary>A member that is no untouched one as a model to build, on all pictures of its data.</summary>
    public ModelPlan ModelOf(InnocentMemberPlan member, CaptionedDataset data) => new()
    {
        Name = member.Name,
        Role = ModelRole.Innocent,
        Rho = member.Family == InnocentFamily.Sibling ? 1 : 0,
        Count = data.Count,
        RealFamily = member.Family,
        Seed = member.Seed,
        Training = Training,
    };
}
