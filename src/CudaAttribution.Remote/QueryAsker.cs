using System.Diagnostics;
using CudaAttribution.Runs;

namespace CudaAttribution.Remote;

/// <summary>
/// Puts one query to a service until it is answered for good: at the permitted pace, with growing pauses after failures, within the budget. Each call
/// is noted before it is made.
/// </summary>
/// <param name="limits">Pace, retries and budget.</param>
/// <param name="protocol">How to ask.</param>
/// <param name="journal">Where calls are noted.</param>
/// <param name="pause">Waits.</param>
internal sealed class QueryAsker(
    HttpLimits limits, IPictureProtocol protocol, QueryJournal journal, Action<TimeSpan, CancellationToken> pause)
{
    // A service that asks to wait has counted from its own clock; this share more spares a second refusal.
    private const double RetryAfterMargin = 0.1;

    private long _lastCall;

    /// <summary>Asks and returns how it ended: with a picture, refused, or unusable after all retries.</summary>
    /// <param name="number">Place in the plan.</param>
    /// <param name="query">The query.</param>
    /// <param name="cancel">Cancels; what was noted stays.</param>
    /// <returns>The end, and what it took.</returns>
    /// <exception cref="UserException">The budget is spent, or the service cannot be asked.</exception>
    public (CallResult Result, PendingQuery Taken) Ask(int number, HttpQuery query, CancellationToken cancel)
    {
        var taken = journal.Pending(number) ?? new PendingQuery(number, 0, 0, 0);
        bool perhapsSent = taken.Calls > 0;
        for (int attempt = 0; ; attempt++)
        {
            RequireBudget();
            KeepPace(cancel);
            taken = taken with { Calls = taken.Calls + 1, Cost = taken.Cost + limits.CostPerCall };
            journal.Note(taken);
            var result = Call(query, journal.Plan.CallId(number, taken.Generation), perhapsSent, cancel);
            if (!result.Billed) taken = taken with { Cost = taken.Cost - limits.CostPerCall };
            if (result.Outcome is CallOutcome.Picture or CallOutcome.Refused or CallOutcome.Blank) return (result, taken);
            perhapsSent = result.Outcome != CallOutcome.Unusable;
            if (!perhapsSent) taken = taken with { Generation = taken.Generation + 1 };
            journal.Note(taken);
            if (result.Outcome == CallOutcome.Stop) throw new UserException(result.Reason, $"{result.Remedy} {Kept}");
            if (attempt == limits.Retries) return result.Outcome == CallOutcome.Unusable || limits.AfterRetries == AfterRetries.Miss
                ? (result, taken)
                : throw GaveUp(number, taken, result);
            pause(Backoff(attempt, result), cancel);
        }
    }

    private string Kept => $"All {journal.Records.Count} answers so far are kept: the same command goes on from there.";

    private CallResult Call(HttpQuery query, Guid callId, bool perhapsSent, CancellationToken cancel)
    {
        try
        {
            return protocol.Ask(query, callId, perhapsSent, cancel);
        }
        catch (HttpTroubleException e)
        {
            return new CallResult(e.Answered ? CallOutcome.Unusable : CallOutcome.Trouble, null) { Reason = e.Message };
        }
    }

    private void RequireBudget()
    {
        if (limits.Budget is { } budget && journal.Spent + limits.CostPerCall > budget)
        {
            throw new UserException(
                FormattableString.Invariant($"the budget is spent: {journal.Spent} of {budget}, and a call costs {limits.CostPerCall}"),
                $"Raise limits.budget in the description to go on. {Kept}");
        }
    }

    private void KeepPace(CancellationToken cancel)
    {
        if (limits.CallsPerMinute is { } rate && _lastCall != 0)
        {
            var wait = TimeSpan.FromSeconds(60 / rate * (1 + limits.PauseJitter * Random.Shared.NextDouble())) - Stopwatch.GetElapsedTime(_lastCall);
            if (wait > TimeSpan.Zero) pause(wait, cancel);
        }
        _lastCall = Stopwatch.GetTimestamp();
    }

    private TimeSpan Backoff(int attempt, CallResult result)
    {
        double longest = limits.LongestWaitSeconds;
        double own = Math.Min(longest, limits.BackoffSeconds * Math.Pow(2, attempt)) * (0.5 + 0.5 * Random.Shared.NextDouble());
        if (result.Reply?.RetryAfter is not { } asked) return TimeSpan.FromSeconds(own);
        if (asked.TotalSeconds > longest)
        {
            throw new UserException(
                FormattableString.Invariant($"{result.Reason}, and asks to wait {asked.TotalSeconds:0} s, more than limits.longest_wait_seconds"),
                $"Try again later. {Kept}");
        }
        return TimeSpan.FromSeconds(Math.Max(own, asked.TotalSeconds * (1 + RetryAfterMargin * Random.Shared.NextDouble())));
    }

    private UserException GaveUp(int number, PendingQuery taken, CallResult last) => new(
        $"query {number + 1} of {journal.Plan.Queries.Count} was not answered in {taken.Calls} calls (last: {last.Reason})",
        $"{Kept} To count such a query as a miss, set limits.after_retries to \"miss\".");
}
