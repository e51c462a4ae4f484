using System.Text.Json.Nodes;
using CudaAttribution.Chain;
using CudaAttribution.Measures;
using CudaAttribution.Runs;
using CudaAttribution.Served;
using CudaAttribution.Tensors;
using CudaAttribution.Twins;

namespace CudaAttribution.Verdicts;

/// <summary>Checks a finished audit offline, from its folder alone: everything that was hashed is hashed again, everything that was computed, computed.</summary>
public static class AuditVerifier
{
    /// <summary>Verifies a folder.</summary>
    /// <param name="folder">The audit.</param>
    /// <param name="device">Where distances are measured; every device gives the same bits.</param>
    /// <param name="commit">What the plan must have committed to, known from elsewhere; null takes the folder's word for it.</param>
    /// <returns>The first thing that was touched, in words; null where everything holds.</returns>
    public static string? FirstFault(string folder, ComputeDevice device, string? commit = null)
    {
        try
        {
            if (AuditSeal.FirstDifference(folder) is { } difference) return difference;
            var (plan, committed) = Committed(folder);
            if (commit is not null && commit != committed) return $"{Commitment.FileName} is not the commitment {commit}: this is another plan";
            if (plan.Served?.Unlogged() is { } trial)
                return $"{AuditPlan.FileName} does not prove that the picture served for '{trial.Prompt}' is number {trial.Logged.Number} of the log";
            var measure = MeasureRegistry.Create(plan.Measure, device);
            if (plan.Served is { } served && Choice(folder, served, measure) is { } choice) return choice;
            if (plan.Swap is { } swap
                && !SwapPrompts(AuditJudge.TwinsOf(folder, swap), swap.Prompts, swap.NotAskable, measure).SequenceEqual(swap.Asked))
                return $"{AuditPlan.FileName} asks other prompts than its rule chooses";
            string written = Json.ReadText(Path.Combine(folder, AuditResult.FileName), "audit");
            return Json.Write(new AuditJudge(folder, plan, committed, measure).Judge()) == written
                ? null
                : $"{AuditResult.FileName} is not what the answers give";
        }
        catch (UserException e)
        {
            return e.Message;
        }
    }

    /// <summary>The plan of a folder, which is what its commitment says.</summary>
    /// <exception cref="UserException">There is none, or it was changed.</exception>
    public static (AuditPlan Plan, string Commit) Committed(string folder)
    {
        string file = Path.Combine(folder, AuditPlan.FileName);
        var commitment = Commitment.Read(folder);
        commitment.Check(Json.Read<JsonNode>(file, "audit plan"), file);
        return (AuditPlan.Load(folder), commitment.Commit);
    }

    /// <summary>The prompts of a set that tell its models apart best, without knowing which is the source.</summary>
    /// <param name="set">The set.</param>
    /// <param name="count">How many at most.</param>
    /// <param name="notAskable">Numbers of prompts that a suspect cannot be asked.</param>
    /// <param name="measure">What they are told apart by.</param>
    /// <param name="progress">Prompts looked at, of all.</param>
    /// <param name="cancel">Stops between two prompts.</param>
    public static IReadOnlyList<SwapPrompt> SwapPrompts(
        TwinSet set, int count, IReadOnlyList<int> notAskable, IPictureMeasure measure, Action<int, int>? progress = null, CancellationToken cancel = default) =>
        [.. new SourceSwap(set, measure).Choose(count, notAskable, progress, cancel).Select(i => new SwapPrompt(i, set.Design.Prompts[i]))];

    /// <summary>The prompts must be those that the rule chooses, which knows no served picture.</summary>
    private static string? Choice(string folder, ServedPlan plan, IPictureMeasure measure)
    {
        var pool = new TrialPool(Path.Combine(folder, AuditPlaces.Trials), plan.Trials);
        double[] spreads = [.. Enumerable.Range(0, plan.Trials.Count).Select(i => TrialChoice.Spread(pool.Pictures(i), measure))];
        return plan.Asked.SequenceEqual(TrialChoice.Widest([.. plan.Trials.Select(t => t.Account)], spreads, plan.Prompts))
            ? null
            : $"{AuditPlan.FileName} asks other prompts than its rule chooses";
    }
}
