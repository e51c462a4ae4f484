using CudaAttribution.Experiments.Plans;
using CudaAttribution.Experiments.Units;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Units;
using CudaAttribution.Served;
using CudaAttribution.Statistics;
using CudaAttribution.Tensors;
using CudaAttribution.Twins;
using CudaAttribution.Verdicts;

namespace CudaAttribution.Experiments.Campaigns;

/// <summary>
/// Counts the alarms of a finished campaign. For an innocent, whoever was served could have been served otherwise: each log is drawn anew from the
/// pictures that the source made for a prompt, and each is a test of its own. In the same way any of the exchangeable models may be taken for the source.
/// </summary>
public sealed class Calibration(CalibrationRecipe recipe, ulong seed, CalibrationPlan plan, UnitStore store)
{
    /// <summary>Levels at which alarms are counted.</summary>
    public static IReadOnlyList<double> Levels { get; } = [0.1, 0.05, 0.01];

    private const double ShownAt = 0.01;

    /// <summary>Name of the sequential served-versus-fresh test.</summary>
    public const string Sequential = AuditJudge.ServedVersusFresh + ", sequential";

    /// <exception cref="UserException">A unit is not finished.</exception>
    public CalibrationResult Count() => new()
    {
        Seed = seed,
        Rows =
        [
            .. recipe.Families.SelectMany(f => Rows(f.Name, guilty: false)),
            .. recipe.Guilty.SelectMany(g => Rows(g.Name, guilty: true)),
        ],
    };

    private IEnumerable<CalibrationRow> Rows(string group, bool guilty)
    {
        CalibrationCase[] cases = [.. plan.Cases.Where(c => c.Group == group)];
        ServedTest[] tests = [.. cases.SelectMany(c => ServedTests(c, guilty))];
        double[] queries = [.. tests.Select(t => (double?)t.Reached(ShownAt) ?? double.PositiveInfinity)];
        double median = Quantile.Of(queries, 0.5);
        yield return Row(AuditJudge.ServedVersusFresh, [.. tests.Select(t => t.PValue)], null);
        // p = 1/E at its largest: it is at most α where E ever reached 1/α.
        yield return Row(Sequential, [.. tests.Select(t => Math.Pow(10, -Math.Max(0, t.Capital.Max())))], guilty && double.IsFinite(median) ? median : null);
        double[] swaps = [.. cases.Where(c => c.Swap is not null).SelectMany(c => Swaps(c, guilty))];
        if (swaps.Length > 0) yield return Row(AuditJudge.SwapTest, swaps, null);

        CalibrationRow Row(string test, double[] p, double? medianQueries) => new(
            group, guilty, test, test == AuditJudge.SwapTest ? cases.Count(c => c.Swap is not null) : cases.Length, p.Length,
            [.. Levels.Select(alpha => new AlarmRate(alpha, p.Count(v => v <= alpha), ShareInterval.ClopperPearson(p.Count(v => v <= alpha), p.Length)))],
            medianQueries);
    }

    private IEnumerable<ServedTest> ServedTests(CalibrationCase one, bool guilty)
    {
        var measured = TrialDistances.Load(store.ResultOf(one.Distances));
        (int Served, IReadOnlyList<double> Distances)[] usable =
            [.. measured.Served.Zip(measured.Distances).Where(t => t.Second is not null).Select(t => (t.First, t.Second!))];
        if (guilty)
        {
            yield return ServedTest.Of([.. usable.Select(t => Trial.RankOf(t.Distances, t.Served))], recipe.Fresh + 1);
            yield break;
        }
        var coin = new PhiloxSequence(seed, Philox.Stream($"calibration.log/{measured.Identity}"));
        for (int log = 0; log < recipe.Logs; log++)
            yield return ServedTest.Of([.. usable.Select(t => Redrawn(t.Distances, coin))], recipe.Fresh + 1);
    }

    /// <summary>The rank of one picture among K others, all of them by chance, in the order of the coin.</summary>
    private int Redrawn(IReadOnlyList<double> distances, PhiloxSequence coin)
    {
        double[] drawn = [.. distances];
        coin.Shuffle(drawn.AsSpan());
        return Trial.RankOf(drawn[..(recipe.Fresh + 1)], coin.Next(recipe.Fresh + 1));
    }

    private IEnumerable<double> Swaps(CalibrationCase one, bool guilty)
    {
        string folder = store.ResultOf(one.Swap!);
        var test = Json.Read<SourceSwapTest>(Path.Combine(folder, SwapKind.ResultFile), "source swap");
        if (guilty) return [test.PValue];
        int[] roles = [.. Enumerable.Range(0, test.Scores.Count)];
        new PhiloxSequence(seed, Philox.Stream($"calibration.role/{one.Swap}")).Shuffle(roles.AsSpan());
        // The source itself is one of them, and in the first place: that is the test that an audit would run.
        return roles.Where(j => j != 0).Prepend(0).Take(recipe.SwapRoles)
            .Select(j => test.Scores.Count(a => a >= test.Scores[j]) / (double)test.Scores.Count);
    }
}
