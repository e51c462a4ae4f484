using CudaAttribution.Statistics;

namespace CudaAttribution.Served;

/// <summary>What the ranks of served pictures among fresh ones say of one model.</summary>
public sealed record ServedTest
{
    /// <summary>K + 1: pictures of a trial.</summary>
    public required int Candidates { get; init; }

    /// <summary>The ranks, in the order in which the prompts were asked; trials without a usable answer are left out.</summary>
    public required IReadOnlyList<int> Ranks { get; init; }

    /// <summary>Trials in which the served picture was the closest of all.</summary>
    public required int FirstPlaces { get; init; }

    /// <summary>T = Σ a(R_i), Savage scores in hundredths; null without a rank.</summary>
    public required long? Statistic { get; init; }

    /// <summary>P(T or more) under the hypothesis, exact; 1 without a rank.</summary>
    public required double PValue { get; init; }

    /// <summary>Its decimal logarithm, which does not end where doubles do.</summary>
    public required double Log10P { get; init; }

    /// <summary>E after the last rank.</summary>
    public required double EValue { get; init; }

    public required double Log10E { get; init; }

    /// <summary>log10 E after each rank.</summary>
    public required IReadOnlyList<double> Capital { get; init; }

    /// <summary>f: estimated share of the tested pictures that left a trace.</summary>
    public required double Share { get; init; }

    /// <summary>Interval of the share, from Clopper and Pearson's of the first places.</summary>
    public required ShareInterval ShareInterval { get; init; }

    /// <summary>The number of ranks after which E first was at least 1/α; null where it never was.</summary>
    public int? Reached(double alpha)
    {
        int at = Capital.ToList().FindIndex(e => e >= -Math.Log10(alpha));
        return at < 0 ? null : at + 1;
    }

    /// <summary>Runs the test.</summary>
    /// <param name="ranks">Ranks of the served pictures, in the order asked.</param>
    /// <param name="candidates">K + 1.</param>
    /// <param name="level">Level of the share's interval.</param>
    public static ServedTest Of(IReadOnlyList<int> ranks, int candidates, double level = 0.95)
    {
        var capital = new RankEProcess(candidates);
        var log = new List<double>(ranks.Count);
        foreach (int rank in ranks)
        {
            capital.Add(rank);
            log.Add(capital.Log10);
        }
        var scores = RankScores.Savage(candidates);
        long? sum = ranks.Count > 0 ? scores.Sum(ranks) : null;
        var tail = sum is { } t ? scores.UpperTail(ranks.Count, t) : new TailProbability(1, 0);
        int first = ranks.Count(r => r == 1);
        var interval = ranks.Count > 0 ? ShareInterval.ClopperPearson(first, ranks.Count, level) : new ShareInterval(0, 1);
        return new ServedTest
        {
            Candidates = candidates,
            Ranks = ranks,
            FirstPlaces = first,
            Statistic = sum,
            PValue = tail.Value,
            Log10P = tail.Log10,
            EValue = capital.Value,
            Log10E = capital.Log10,
            Capital = log,
            Share = ranks.Count > 0 ? AboveChance((double)first / ranks.Count) : 0,
            ShareInterval = new(AboveChance(interval.Low), AboveChance(interval.High)),
        };

        // By chance one of K + 1 is first.
        double AboveChance(double share) => Math.Max(0, (share - (1.0 / candidates)) / (1 - (1.0 / candidates)));
    }
}
