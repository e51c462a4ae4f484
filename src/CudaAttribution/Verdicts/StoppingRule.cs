using CudaAttribution.Answers;
using CudaAttribution.Runs;

namespace CudaAttribution.Verdicts;

/// <summary>
/// When nothing more is asked of a suspect: after the last query of the plan or, in a sequential one, as soon as the suspect would be shown beside any
/// others, or too many answers are unusable. The same rule stops an interview and tells whether a finished one was broken off.
/// </summary>
/// <param name="plan">The plan.</param>
/// <param name="suspect">The suspect; null for a control, which is asked all served prompts and nothing else.</param>
/// <param name="examiner">Takes the answers; null without a served log.</param>
public sealed class StoppingRule(AuditPlan plan, PlannedSuspect? suspect, AuditExaminer? examiner)
{
    private readonly double _needed = Math.Log10(plan.Suspects.Count / plan.Alpha) - (suspect?.CarriedLog10E ?? 0);
    private int _taken, _unusable;

    /// <summary>Queries that are asked at most, the first ones of the plan.</summary>
    public int Planned { get; } = suspect is null ? plan.Served!.Asked.Count : plan.Prompts.Count;

    /// <summary>Whether nothing more is to be asked.</summary>
    public bool IsOver { get; private set; }

    /// <summary>Takes an answer.</summary>
    /// <returns><see cref="IsOver"/>.</returns>
    public bool Take(AskedAnswer asked)
    {
        examiner?.Take(asked);
        _taken++;
        if (asked.Answer.Image is null) _unusable++;
        bool early = plan.Sequential && suspect is not null
            && (examiner!.Log10E >= _needed || plan.IsTooMuch(_unusable));
        return IsOver = early || _taken == Planned;
    }

    /// <summary>Takes the answers of a finished interview, which must be as many as the rule asks, each query once.</summary>
    /// <param name="answers">The answers, in the order asked.</param>
    /// <param name="name">What the model is called.</param>
    /// <param name="ended">Why the interview ended before the plan; null where it did not.</param>
    /// <exception cref="UserException">They are not.</exception>
    public void TakeAll(IEnumerable<AskedAnswer> answers, string name, string? ended)
    {
        var queries = new HashSet<int>();
        foreach (var asked in answers)
        {
            if (IsOver || !queries.Add(asked.Query))
                throw new UserException($"'{name}' was asked more than the plan says", "Restore the folder: an answer more is as wrong as one less.");
            Take(asked);
        }
        if (!IsOver && ended is null)
            throw new UserException($"'{name}' has {_taken} answers, the plan is not finished", "Repeat the audit's command: it asks what is missing.");
    }
}
