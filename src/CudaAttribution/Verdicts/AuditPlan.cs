using System.Text.Json.Serialization;
using CudaAttribution.Answers;
using CudaAttribution.Runs;
using CudaAttribution.Served;

namespace CudaAttribution.Verdicts;

/// <summary>A model of an audit.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Identity">Its <see cref="IImageModel.Identity"/>.</param>
public sealed record AuditedModel(string Name, string Identity);

/// <summary>A suspect of an audit.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Identity">Its <see cref="IImageModel.Identity"/>.</param>
/// <param name="Attempt">How many audits of this suspect for this source were begun, with this one.</param>
/// <param name="Previous">What the audit before committed to; null for the first.</param>
/// <param name="CarriedLog10E">log10 of the E of all audits before: the bet goes on and never starts anew.</param>
public sealed record PlannedSuspect(string Name, string Identity, int Attempt = 1, string? Previous = null, double CarriedLog10E = 0);

/// <summary>The test that a verdict rests on.</summary>
public enum PrimaryTest
{
    /// <summary>Ranks of served pictures among fresh ones.</summary>
    ServedVersusFresh,

    /// <summary>The source among its twins.</summary>
    SourceSwap,
}

/// <summary>Everything that decides an audit, fixed and committed to before the first query to a suspect: the file <c>plan.json</c>.</summary>
public sealed record AuditPlan
{
    public const string FileName = "plan.json", CurrentSchema = "cudattr-audit-plan-2";

    public string Schema { get; init; } = CurrentSchema;

    public required string Program { get; init; }

    /// <summary>SHA-256 of the kernels that drew and measured.</summary>
    public required string KernelsSha256 { get; init; }

    public required AuditedModel Source { get; init; }

    /// <summary>How the source drew, and how local suspects are sampled.</summary>
    public required SamplingRecipe Sampling { get; init; }

    public required IReadOnlyList<PlannedSuspect> Suspects { get; init; }

    /// <summary>Models that cannot know the served pictures; they are asked what the suspects are asked.</summary>
    public required IReadOnlyList<AuditedModel> Controls { get; init; }

    public required PrimaryTest Primary { get; init; }

    public required double Alpha { get; init; }

    /// <summary>Whether suspects are asked until the primary test shows, and no further.</summary>
    public required bool Sequential { get; init; }

    /// <summary>Share of a suspect's answers that may be unusable.</summary>
    public required double Unusable { get; init; }

    public required ulong Seed { get; init; }

    /// <summary>Side of the source's pictures, which answers are brought to.</summary>
    public required int Size { get; init; }

    /// <summary>Name of the measure.</summary>
    public required string Measure { get; init; }

    /// <summary>Served-versus-fresh; null without a log.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ServedPlan? Served { get; init; }

    /// <summary>Source-swap; null without twins.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public SwapPlan? Swap { get; init; }

    /// <summary>How the level holds over several suspects.</summary>
    [JsonIgnore]
    public Correction Correction =>
        // Ranks among B twins end at 1 / (B + 1), which no correction survives: source-swap judges each suspect by itself.
        Primary == PrimaryTest.SourceSwap ? Correction.None : Sequential ? Correction.EBenjaminiHochberg : Correction.Holm;

    /// <summary>The prompts of all queries to a model, in the order of the plan.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> Prompts =>
    [
        .. Served is { } served ? served.Asked.Select(i => served.Trials[i].Prompt) : [],
        .. Swap is { } swap ? swap.Asked.SelectMany(p => Enumerable.Repeat(p.Prompt, swap.Answers)) : [],
    ];

    /// <summary>Whether so many unusable answers leave no verdict: a share of what was planned, so that one early failure is none of it.</summary>
    public bool IsTooMuch(int unusable) => unusable > Unusable * Prompts.Count;

    /// <summary>The queries to a model.</summary>
    /// <param name="identity">The model.</param>
    /// <param name="purpose">What they are for.</param>
    public IReadOnlyList<Query> QueriesTo(string identity, NoisePurpose purpose)
    {
        var noise = new NoiseStream(purpose, Seed, identity);
        return [.. Prompts.Select((prompt, i) => noise.Ask(prompt, i))];
    }

    /// <summary>Reads the plan of a folder.</summary>
    /// <exception cref="UserException">There is none, or it is no plan.</exception>
    public static AuditPlan Load(string folder)
    {
        string file = Path.Combine(folder, FileName);
        var plan = Json.Read<AuditPlan>(file, "audit plan");
        Json.CheckSchema(plan.Schema, CurrentSchema, file);
        plan.Check(file);
        return plan;
    }

    /// <exception cref="UserException">A rate makes no sense.</exception>
    public static void CheckRates(double alpha, double unusable, string? file = null)
    {
        if (alpha is not (> 0 and < 1)) throw new UserException($"the level alpha is {alpha}", "Use a number between 0 and 1, such as 0.01.", file);
        if (unusable is not (>= 0 and < 1))
            throw new UserException($"the share of unusable answers is {unusable}", "Use a number from 0 to below 1.", file);
    }

    /// <exception cref="UserException">There is no suspect, two have one name, or one is the source.</exception>
    public static void CheckSuspects(IReadOnlyList<PlannedSuspect> suspects, string source, string? file = null)
    {
        if (suspects.Count == 0) throw new UserException("the plan has no suspect", "Name one.", file);
        if (suspects.GroupBy(s => s.Name).FirstOrDefault(g => g.Count() > 1) is { } same)
            throw new UserException($"{same.Count()} suspects are called '{same.Key}'", "Give each its own name.", file);
        if (suspects.FirstOrDefault(s => s.Identity == source) is { } itself)
            throw new UserException($"the suspect '{itself.Name}' is the source itself", "A model is no suspect of itself.", file);
    }

    /// <exception cref="UserException">The plan makes no sense.</exception>
    internal void Check(string? file = null)
    {
        CheckRates(Alpha, Unusable, file);
        CheckSuspects(Suspects, Source.Identity, file);
        if ((Primary == PrimaryTest.ServedVersusFresh ? (object?)Served : Swap) is null)
            throw Wrong("the plan lacks what its primary test needs", "Give a served log, or twins.");
        if (Sequential && Swap is not null) throw Wrong("only served-versus-fresh can stop early", "Ask all queries, or give no twins.");
        Served?.Check(Wrong);
        Swap?.Check(Wrong);

        UserException Wrong(string problem, string remedy) => new(problem, remedy, file);
    }
}

/// <summary>The plan of served-versus-fresh.</summary>
public sealed record ServedPlan
{
    /// <summary>Merkle root of the served log.</summary>
    public required string Log { get; init; }

    /// <summary>Pictures in the log.</summary>
    public required int Entries { get; init; }

    /// <summary>Whether the log says which seeds were used; else the negative control has to tell whether they were shared.</summary>
    public required bool SeedsKnown { get; init; }

    /// <summary>
    /// Whether the owner states that the log has every picture that was returned for its prompts. Of those that somebody kept none is a picture of chance,
    /// and no program sees it in a log.
    /// </summary>
    public required bool CompleteLog { get; init; }

    /// <summary><see cref="CompleteLog"/> in words.</summary>
    public static string Completeness(bool stated) => stated
        ? "The owner states that the log has every picture that was returned for its prompts, and not only those that somebody kept."
        : "Not stated: that the log has every picture that was returned for its prompts. If it has only those that somebody kept, “shown” shows nothing.";

    /// <summary>K: fresh pictures of each prompt.</summary>
    public required int Fresh { get; init; }

    /// <summary>N: prompts of each account that are asked at most.</summary>
    public required int Prompts { get; init; }

    /// <summary>The pool that prompts were chosen from.</summary>
    public required IReadOnlyList<Trial> Trials { get; init; }

    /// <summary>Numbers of the trials that are asked, in their order.</summary>
    public required IReadOnlyList<int> Asked { get; init; }

    /// <summary>The first trial whose served picture is not shown to be in the log; null where all are.</summary>
    public Trial? Unlogged() => Trials.FirstOrDefault(t => !t.IsIn(Log, Entries));

    internal void Check(Func<string, string, UserException> wrong)
    {
        if (Asked.Count == 0 || Asked.Distinct().Count() != Asked.Count || Asked.Any(i => i < 0 || i >= Trials.Count))
            throw wrong("the served prompts that are asked are not trials of the plan, each once", "Restore the plan.");
        if (Trials.FirstOrDefault(t => t.Pictures.Count != Fresh + 1 || t.Served < 0 || t.Served > Fresh) is { } trial)
            throw wrong($"the trial '{trial.Prompt}' has not one served and {Fresh} fresh pictures", "Restore the plan.");
        if (Trials.GroupBy(t => t.Logged.Number).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw wrong($"{twice.Count()} trials have one entry of the log, number {twice.Key}", "Restore the plan: each picture is tested once.");
    }
}

/// <summary>The plan of source-swap.</summary>
public sealed record SwapPlan
{
    /// <summary>Merkle root of the models and pictures of source and twins.</summary>
    public required string Twins { get; init; }

    /// <summary>Whether training with the source's own seed gave the source, bit for bit; null where its seed is not known.</summary>
    public required bool? SourceReproduced { get; init; }

    /// <summary>B: twins.</summary>
    public required int Count { get; init; }

    /// <summary>How many prompts are asked at most.</summary>
    public required int Prompts { get; init; }

    /// <summary>Answers to each.</summary>
    public required int Answers { get; init; }

    /// <summary>Numbers of the prompts that a suspect does not take as text, which are not asked.</summary>
    public required IReadOnlyList<int> NotAskable { get; init; }

    /// <summary>The prompts that are asked, with their numbers in the set of twins, in their order.</summary>
    public required IReadOnlyList<SwapPrompt> Asked { get; init; }

    internal void Check(Func<string, string, UserException> wrong)
    {
        if (Count < 1 || Answers < 1 || Asked.Count == 0 || Asked.DistinctBy(p => p.Number).Count() != Asked.Count)
            throw wrong("there are no twins, or the prompts that are asked are not each there once", "Restore the plan.");
    }
}

/// <summary>A prompt of source-swap.</summary>
/// <param name="Number">Its number in the set of twins.</param>
/// <param name="Prompt">The prompt.</param>
public sealed record SwapPrompt(int Number, string Prompt);
