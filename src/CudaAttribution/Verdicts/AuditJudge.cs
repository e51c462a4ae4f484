using CudaAttribution.Answers;
using CudaAttribution.Images;
using CudaAttribution.Measures;
using CudaAttribution.Runs;
using CudaAttribution.Served;
using CudaAttribution.Statistics;
using CudaAttribution.Twins;

namespace CudaAttribution.Verdicts;

/// <summary>
/// Judges finished interviews by nothing but the audit's folder: the same function gives the verdicts when they are found and when they are verified.
/// </summary>
/// <param name="folder">The folder of the audit.</param>
/// <param name="plan">Its plan.</param>
/// <param name="commit">What was committed to.</param>
/// <param name="measure">The measure of the plan, unaligned.</param>
public sealed class AuditJudge(string folder, AuditPlan plan, string commit, IPictureMeasure measure)
{
    public const string ServedVersusFresh = "served-versus-fresh", ServedKernel = "served-kernel", SwapTest = "source-swap";

    /// <summary>Power that detectable shares are stated for.</summary>
    public const double Power = 0.9;

    /// <summary>Of α, what a control may reach by chance on either side.</summary>
    private const double ControlShare = 0.1;

    private readonly SourceSwap? _swap = plan.Swap is { } swap ? new(TwinsOf(folder, swap), measure) : null;

    private readonly TrialPool? _trials = plan.Served is { } served ? new(Path.Combine(folder, AuditPlaces.Trials), served.Trials) : null;

    /// <summary>What was committed to.</summary>
    public string Commit => commit;

    /// <summary>The pictures of a trial.</summary>
    public RgbImage[] PicturesOf(int trial) => _trials!.Pictures(trial);

    /// <summary>Name of the primary test.</summary>
    public static string NameOf(PrimaryTest test) => test == PrimaryTest.ServedVersusFresh ? ServedVersusFresh : SwapTest;

    /// <summary>What takes a model's answers as they come; null without a served log.</summary>
    public AuditExaminer? Examiner() => plan.Served is { } served ? new(served, _trials!, new AlignedMeasure(measure)) : null;

    /// <summary>Judges all models of the plan.</summary>
    /// <exception cref="UserException">Something in the folder is missing or was touched.</exception>
    public AuditResult Judge()
    {
        ControlResult[] controls = [.. plan.Controls.Select((c, i) => Control(c, Place(AuditPlaces.OfControl(plan, i))))];
        Examined[] suspects = [.. plan.Suspects.Select((s, i) => Examine(s, Place(AuditPlaces.OfSuspect(plan, i))))];
        bool[] rejected = plan.Correction switch
        {
            Correction.None => [.. suspects.Select(s => s.PValue <= plan.Alpha)],
            Correction.EBenjaminiHochberg => Multiplicity.EBenjaminiHochberg([.. suspects.Select(s => Value(s.Log10E))], plan.Alpha),
            _ => Multiplicity.Holm([.. suspects.Select(s => s.PValue)], plan.Alpha),
        };
        return new AuditResult
        {
            PlanCommit = commit,
            Alpha = plan.Alpha,
            Correction = plan.Correction,
            Suspects = [.. suspects.Zip(rejected, (s, r) => Result(s, r, controls))],
            Controls = controls,
        };
    }

    private string Place(string name) => Path.Combine(folder, name);

    private ControlResult Control(AuditedModel model, string place)
    {
        var examiner = Examiner()!;
        new StoppingRule(plan, suspect: null, examiner).TakeAll(AuditInterview.Read(place, plan, commit, model.Identity), model.Name, ended: null);
        int[] ranks = [.. examiner.Ranks.Select(r => r.Rank)];
        int candidates = plan.Served!.Fresh + 1;
        var near = ServedTest.Of(ranks, candidates);
        double far = ServedTest.Of([.. ranks.Select(r => candidates + 1 - r)], candidates).PValue, level = ControlShare * plan.Alpha;
        return new()
        {
            Name = model.Name,
            Identity = model.Identity,
            Passed = ranks.Length > 0 && near.PValue > level && far > level,
            PNear = near.PValue,
            PFar = far,
            Ranks = near,
            Chain = AuditInterview.HeadOf(place, commit),
        };
    }

    private Examined Examine(PlannedSuspect suspect, string place)
    {
        var examiner = Examiner();
        int? shown = null;
        var asked = new List<AskedAnswer>();
        string? ended = AuditInterview.EndOf(place, commit);
        new StoppingRule(plan, suspect, examiner).TakeAll(Noted(AuditInterview.Read(place, plan, commit, suspect.Identity)), suspect.Name, ended);
        var usability = Usability.Of(asked.Select(a => (plan.Prompts[a.Query], a.Answer)), plan.Unusable);
        (int Query, RgbImage Image)[] answers = [.. asked.Where(a => a.Answer.Image is not null).Select(a => (a.Query, a.Answer.Image!))];
        var tests = new List<AuditTest>();
        AccountResult[] accounts = [];
        double p = 1;
        ServedTest? all = null;
        if (examiner is not null)
        {
            all = ServedTest.Of([.. examiner.Ranks.Select(r => r.Rank)], plan.Served!.Fresh + 1);
            accounts = Accounts(examiner);
            tests.Add(new() { Name = ServedVersusFresh, PValue = all.PValue, Statistic = (all.Statistic ?? 0) / (double)RankScores.Scale, Ranks = all });
            if (Kernel(answers) is { } kernel) tests.Add(new() { Name = ServedKernel, PValue = kernel.PValue, Statistic = kernel.Statistic, Kernel = kernel });
            // A test that is repeated is a bet that goes on, and p = 1/E is valid for it.
            p = plan.Sequential || suspect.Attempt > 1
                ? Math.Min(1, Math.Max(double.Epsilon, Math.Pow(10, -suspect.CarriedLog10E - examiner.HighestLog10E)))
                : Math.Min(1, accounts.Length * accounts.Min(a => a.Ranks.PValue));
        }
        if (Swap(answers) is { } swap)
        {
            tests.Add(new() { Name = SwapTest, PValue = swap.PValue, Statistic = swap.Scores[0], Swap = swap });
            if (plan.Primary == PrimaryTest.SourceSwap) p = swap.PValue;
        }
        return new(suspect, place, ended, examiner, shown, usability, all, accounts, tests, p);

        IEnumerable<AskedAnswer> Noted(IEnumerable<AskedAnswer> given)
        {
            foreach (var answer in given)
            {
                yield return answer;
                if (examiner is not null && suspect.CarriedLog10E + examiner.Log10E >= -Math.Log10(plan.Alpha)) shown ??= examiner.Count;
                asked.Add(answer);
            }
        }
    }

    /// <summary>Each account's own test; which of them are shown, over all accounts at the plan's level.</summary>
    private AccountResult[] Accounts(AuditExaminer examiner)
    {
        (string? Account, ServedTest Ranks)[] tested =
        [
            .. plan.Served!.Asked.Select(i => plan.Served.Trials[i].Account).Distinct().Select(account => (
                account, ServedTest.Of([.. examiner.Ranks.Where(r => r.Trial.Account == account).Select(r => r.Rank)], plan.Served.Fresh + 1))),
        ];
        bool[] shown = plan.Sequential
            ? Multiplicity.EBenjaminiHochberg([.. tested.Select(t => t.Ranks.EValue)], plan.Alpha)
            : Multiplicity.Holm([.. tested.Select(t => t.Ranks.PValue)], plan.Alpha);
        return [.. tested.Zip(shown, (t, s) => new AccountResult(t.Account, s, t.Ranks))];
    }

    private ServedKernelTest? Kernel(IEnumerable<(int Query, RgbImage Image)> answers)
    {
        var served = plan.Served!;
        RgbImage[] given = [.. answers.Where(a => a.Query < served.Asked.Count).Select(a => a.Image)];
        if (given.Length == 0) return null;
        var prepared = measure.Prepare(given);
        double[][] distances =
        [
            .. served.Asked.Select(trial =>
            {
                double[,] matrix = measure.Matrix(measure.Prepare(_trials!.Pictures(trial)), prepared);
                return Enumerable.Range(0, served.Fresh + 1).Select(k => Enumerable.Range(0, given.Length).Average(j => matrix[k, j])).ToArray();
            }),
        ];
        return ServedKernelTest.Of(distances, [.. served.Asked.Select(i => served.Trials[i].Served)], plan.Seed);
    }

    private SourceSwapTest? Swap(IEnumerable<(int Query, RgbImage Image)> answers)
    {
        if (plan.Swap is not { } swap) return null;
        int first = plan.Served?.Asked.Count ?? 0;
        (int Prompt, IReadOnlyList<RgbImage> Answers)[] asked =
        [
            .. answers.Where(a => a.Query >= first).GroupBy(a => (a.Query - first) / swap.Answers)
                .Select(prompt => (swap.Asked[prompt.Key].Number, (IReadOnlyList<RgbImage>)[.. prompt.Select(a => a.Image)])),
        ];
        return asked.Length == 0 ? null : _swap!.Test(asked);
    }

    /// <summary>The source and its twins, as the plan names them.</summary>
    /// <exception cref="UserException">They are others.</exception>
    public static TwinSet TwinsOf(string folder, SwapPlan plan)
    {
        var set = TwinSet.Load(Path.Combine(folder, AuditPlaces.Twins));
        return set.Root == plan.Twins && set.Models.Count == plan.Count + 1 && set.SourceReproduced == plan.SourceReproduced
            ? set
            : throw new UserException("these are not the twins that the plan names", "Restore the folder.", Path.Combine(folder, AuditPlaces.Twins));
    }

    private SuspectResult Result(Examined e, bool rejected, ControlResult[] controls)
    {
        string? obstacle =
            controls.FirstOrDefault(c => !c.Passed) is { } failed
                ? $"the control '{failed.Name}', which cannot know the served pictures, does not rank them by chance "
                    + FormattableString.Invariant($"(p = {Math.Min(failed.PNear, failed.PFar):0.#e+0}): the log or the sampler is not what it seems")
            : e.Ended is not null ? e.Ended.TrimEnd('.')
            : plan.IsTooMuch(e.Usability.Unusable) || e.Usability.Unusable == e.Usability.Answers ? $"{e.Usability}"
            : e.Tests.All(t => t.Name != NameOf(plan.Primary)) ? "no answer was usable for the test that the plan names"
            : null;
        var verdict = obstacle is not null ? Verdict.NoVerdict : rejected ? Verdict.Shown : Verdict.NotShown;
        double? detectable = plan.Served is { } served ? new RankPower(served.Fresh + 1, served.Asked.Count, plan.Alpha).SmallestShare(Power) : null;
        return new()
        {
            Name = e.Suspect.Name,
            Identity = e.Suspect.Identity,
            Verdict = verdict,
            Reason = VerdictWords.Of(verdict, obstacle, plan, e.All, e.Tests, e.Usability.Answers, detectable),
            Primary = NameOf(plan.Primary),
            PValue = e.PValue,
            EValue = e.Examiner is null ? null : Value(e.Log10E),
            OwnLog10E = e.Examiner?.Log10E,
            Queries = e.Usability.Answers,
            QueriesToShown = e.Reached,
            Share = e.All?.Share,
            ShareInterval = e.All?.ShareInterval,
            DetectableShare = detectable,
            Answers = e.Usability,
            Attempt = e.Suspect.Attempt,
            Accounts = e.Accounts,
            Tests = e.Tests,
            Chain = AuditInterview.HeadOf(e.Place, commit),
        };
    }

    private static double Value(double log10) => Math.Min(Math.Pow(10, log10), double.MaxValue);

    private sealed record Examined(
        PlannedSuspect Suspect, string Place, string? Ended, AuditExaminer? Examiner, int? Reached, Usability Usability, ServedTest? All,
        AccountResult[] Accounts, List<AuditTest> Tests, double PValue)
    {
        /// <summary>Where the bet was stopped: its highest is no e-value, so that over several suspects this one counts.</summary>
        public double Log10E => Suspect.CarriedLog10E + (Examiner?.Log10E ?? 0);
    }
}
