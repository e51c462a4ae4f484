using System.Globalization;
using CudaAttribution.Experiments.Plans;
using CudaAttribution.Experiments.Units;
using CudaAttribution.Keys;
using CudaAttribution.Populations;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Units;
using CudaAttribution.Shadows;

namespace CudaAttribution.Experiments.Campaigns;

/// <summary>Makes the tables of finished units.</summary>
public sealed class PaperTables(PaperRecipe recipe, ulong seed, PaperPlan plan, UnitStore store)
{
    /// <summary>Upper ends of the bins of distances.</summary>
    public static IReadOnlyList<double> BinEnds { get; } = [0.1, 0.15, 0.2, 1];

    private static readonly int[] KeyCounts = [5, 10, 15, 20, 30, 50, 100];

    private readonly Dictionary<string, ExaminedModel> _examined = plan.Cases.Where(c => c.Role != ModelRole.Shadow)
        .ToDictionary(c => c.Examined, c => ExaminedModel.Load(store.ResultOf(c.Examined)));

    private readonly Dictionary<string, KeySet> _keys = recipe.Sources.SelectMany(s => PaperPlan.Strategies.Select(k => plan.Keys(s, k))).Distinct()
        .ToDictionary(id => id, id => KeySet.Load(Path.Combine(store.ResultOf(id), KeySet.FolderName)));

    /// <param name="discriminators">Gets <c>SOURCE/discriminator.json</c>.</param>
    /// <exception cref="UserException">A unit is not finished.</exception>
    public PaperResult Count(RunFolder discriminators)
    {
        ConfRow[] conf = [.. Groups().SelectMany(g => PaperPlan.Strategies.Select(s => Conf(g.Key, [.. g], s)))];
        BinsRow[] bins = [.. Groups().Select(g => Bins(g.Key, [.. g]))];
        KeysRow[] counts =
        [
            .. from g in Groups()
               from n in KeyCounts.Where(n => n < recipe.Keys.Count).Append(recipe.Keys.Count)
               select new KeysRow(g.Key.Source, g.Key.Group, g.Key.Rho, n, g.Average(c => Examined(c, KeyStrategy.Generate).Conf(Threshold(c), n))),
        ];
        var (statistical, alarms) = (new List<StatisticalRow>(), new List<AlarmRow>());
        foreach (var source in recipe.Sources)
        {
            var discriminator = Learn(source);
            discriminators.WriteJson($"{source.Name}/{Discriminator.FileName}", discriminator);
            var scores = Tests(source).ToDictionary(c => c, c => discriminator.Score(Features(c)));
            double[] innocent = [.. scores.Where(s => s.Key.Family == InnocentFamily.RealOther).Select(s => s.Value.Score)];
            foreach (var regime in innocent.Length == 0 ? [] : recipe.Regimes)
            {
                double[] infringing = [.. scores.Where(s => s.Key.Family is null && s.Key.Regime == regime).Select(s => s.Value.Score)];
                statistical.Add(new(source.Name, Name(regime), ClassifierMetrics.Of(infringing, innocent, discriminator.Threshold, seed)));
            }
            alarms.AddRange(scores.Where(s => s.Key.Family is not null).GroupBy(s => s.Key.Family!.Value)
                .Select(g => new AlarmRow(source.Name, g.Key, g.Count(), g.Count(s => s.Value.Infringing))));
        }
        var result = new PaperResult
        {
            Seed = seed, Conf = conf, Bins = bins, KeyCounts = counts, Statistical = statistical, Alarms = alarms, Findings = [],
        };
        return result with { Findings = [.. PaperFindings.Of(result)] };
    }

    private IEnumerable<IGrouping<(string Source, string Group, double Rho), PaperCase>> Groups() => plan.Cases.Where(c => c.Role != ModelRole.Shadow)
        .GroupBy(c => (c.Source.Name, c.Family is { } family ? family.Name() : Name(c.Regime), c.Rho));

    private IEnumerable<PaperCase> Tests(PaperSource source) => plan.Cases.Where(c => c.Source == source && c.Role != ModelRole.Shadow);

    private ConfRow Conf((string Source, string Group, double Rho) group, PaperCase[] cases, KeyStrategy strategy)
    {
        double[] conf = [.. cases.Select(c => Examined(c, strategy).Conf(Threshold(c), recipe.Keys.Count))];
        double? kappa = cases[0].Family is null ? cases.Average(c => ModelRecord.Load(store.ResultOf(c.Model)).OverlapWith(Keys(c.Source, strategy)).Kappa!.Value) : null;
        return new(group.Source, group.Group, group.Rho, strategy, cases.Length, conf.Average(), conf.Min(), conf.Max(), kappa);
    }

    private BinsRow Bins((string Source, string Group, double Rho) group, PaperCase[] cases)
    {
        double[] distances = [.. cases.SelectMany(c => Examined(c, KeyStrategy.Generate).Distances)];
        double[] starts = [double.NegativeInfinity, .. BinEnds.SkipLast(1)];
        return new(
            group.Source, group.Group, group.Rho, [.. starts.Zip(BinEnds, (low, high) => distances.Count(d => d > low && d <= high) / (double)distances.Length)],
            distances.Average(), distances.Min());
    }

    private Discriminator Learn(PaperSource source) => Discriminator.Fit(
        [.. plan.Cases.Where(c => c.Source == source && c.Role == ModelRole.Shadow).Select(c => new ShadowFeatures(c.Name, c.Rho, Features(c)))]);

    private ModelFeatures Features(PaperCase one) => ModelFeatures.Load(Path.Combine(store.ResultOf(one.Examined), ModelFeatures.FileName));

    private ExaminedKeys Examined(PaperCase one, KeyStrategy strategy) => _examined[one.Examined].Sets[PaperPlan.Strategies.Index().First(s => s.Item == strategy).Index];

    private double Threshold(PaperCase one) => Keys(one.Source, KeyStrategy.Generate).Header.Threshold;

    private KeySet Keys(PaperSource source, KeyStrategy strategy) => _keys[plan.Keys(source, strategy)];

    private static string Name(PromptRegime regime) => regime.ToString().ToLower(CultureInfo.InvariantCulture);
}
