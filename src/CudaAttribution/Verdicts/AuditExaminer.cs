using CudaAttribution.Answers;
using CudaAttribution.Images;
using CudaAttribution.Measures;
using CudaAttribution.Served;
using CudaAttribution.Statistics;

namespace CudaAttribution.Verdicts;

/// <summary>Ranks the served pictures by one model's answers, as the answers come, and bets on the ranks; no picture is held.</summary>
/// <param name="plan">The plan, which has a served log.</param>
/// <param name="trials">Its trials.</param>
/// <param name="measure">The measure of the plan.</param>
public sealed class AuditExaminer(ServedPlan plan, TrialPool trials, IPictureMeasure measure)
{
    private readonly Dictionary<string, RankEProcess> _capital =
        plan.Asked.Select(i => plan.Trials[i].Account ?? "").Distinct().ToDictionary(a => a, _ => new RankEProcess(plan.Fresh + 1));

    /// <summary>Trials and ranks of the usable answers, in the order asked.</summary>
    public List<(Trial Trial, int Rank)> Ranks { get; } = [];

    /// <summary>Answers taken, usable or not.</summary>
    public int Count { get; private set; }

    /// <summary>log10 of E: the mean over the accounts' capitals, which is a bet itself.</summary>
    public double Log10E { get; private set; }

    /// <summary>The largest log10 E so far.</summary>
    public double HighestLog10E { get; private set; }

    /// <summary>Takes an answer. One to a query of another test, and one without a picture, gives no rank.</summary>
    public void Take(AskedAnswer asked)
    {
        Count++;
        if (asked.Answer.Image is not { } image || asked.Query >= plan.Asked.Count) return;
        var trial = plan.Trials[plan.Asked[asked.Query]];
        int rank = trial.Rank(Distances(plan.Asked[asked.Query], image));
        Ranks.Add((trial, rank));
        _capital[trial.Account ?? ""].Add(rank);
        double most = _capital.Values.Max(c => c.Log10);
        Log10E = most + Math.Log10(_capital.Values.Average(c => Math.Pow(10, c.Log10 - most)));
        HighestLog10E = Math.Max(HighestLog10E, Log10E);
    }

    /// <summary>Distance of an answer from each picture of a trial.</summary>
    /// <param name="trial">Number of the trial.</param>
    /// <param name="answer">The answer.</param>
    public double[] Distances(int trial, RgbImage answer) => measure.Distances(trials.Pictures(trial), answer);
}
