using System.Text.Json.Serialization;
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

    /// <summary>What each member that is no twin draws by its own seed in place of one recipe for all; null, and in no file, where nothing is drawn.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public InnocentLaw? Law { get; init; }

    /// <summary>The recipe that the owner's source was fine-tuned with, which is that of its twins; null, and in no file, without twins.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public FineTuneRecipe? SourceTraining { get; init; }

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
        plan.Law?.Validate();
        if (plan.SourceTraining is not null && plan.Models.All(m => m.Family != InnocentFamily.Twin))
            throw new UserException("the plan has source_training and no twin", "Add twins, or leave it out.", file);
        if (plan.Law?.Guidance is not null && plan.Models.All(m => m.Family != InnocentFamily.Sibling))
            throw new UserException("the law has a guidance and the plan no sibling", "Add siblings, or leave it out.", file);
        foreach (var m in plan.Models)
        {
            string? problem =
                m.Family != InnocentFamily.Untouched && m.Data is null ? "names no data"
                : m.Family == InnocentFamily.Untouched && m.Data is not null ? "is untouched and names data"
                : m.Family == InnocentFamily.Sibling && m.Source is null ? "is a sibling and names no source"
                : m.Family != InnocentFamily.Sibling && m.Source is not null ? "is no sibling and names a source"
                : m.Family == InnocentFamily.Twin && plan.SourceTraining is null ? "is a twin, and the plan has no source_training"
                : plan.Draws(m) && m.Family != InnocentFamily.Sibling && m.Data!.Count < plan.Law!.Count?[1]
                    ? $"may draw {plan.Law.Count[1]} of its {m.Data.Count} pictures"
                : null;
            if (problem is not null) throw new UserException($"the innocent '{m.Name}' {problem}", "Correct the plan.", file);
        }
        return plan;
    }

    /// <summary>A member that is no untouched one as a model to build: with the numbers that it draws, on all pictures of its data unless it draws how many.</summary>
    public ModelPlan ModelOf(InnocentMemberPlan member, CaptionedDataset data)
    {
        var law = Draws(member) ? Law : null;
        bool sibling = member.Family == InnocentFamily.Sibling;
        return new()
        {
            Name = member.Name,
            Role = ModelRole.Innocent,
            Rho = sibling ? 1 : 0,
            Count = law?.CountOf(member.Seed) ?? data.Count,
            RealFamily = member.Family,
            Seed = member.Seed,
            SourceGuidance = sibling ? law?.GuidanceOf(member.Seed) : null,
            Training = member.Family == InnocentFamily.Twin ? SourceTraining! : law?.Training(Training, member.Seed) ?? Training,
        };
    }

    /// <summary>Whether a member draws by the law: a twin is what the source is, and nothing is built of an untouched one.</summary>
    private bool Draws(InnocentMemberPlan member) => Law is not null && member.Family is not (InnocentFamily.Twin or InnocentFamily.Untouched);
}
