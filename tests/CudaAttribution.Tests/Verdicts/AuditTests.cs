using CudaAttribution.Answers;
using CudaAttribution.Runs;
using CudaAttribution.Served;
using CudaAttribution.Statistics;
using CudaAttribution.Tests.World;
using CudaAttribution.Verdicts;

namespace CudaAttribution.Tests.Verdicts;

public class AuditTests
{
    [Test]
    public void ACopierIsShownAndAStrangerIsNot()
    {
        using var world = new AuditWorld("audit");
        StoredModel copier = world.Copier(), stranger = world.Stranger();
        var (_, _, result) = world.Run([copier, stranger]);
        var (shown, other) = (result.Suspects[0], result.Suspects[1]);
        Assert.Multiple(() =>
        {
            Assert.That((shown.Name, shown.Verdict), Is.EqualTo(("copier", Verdict.Shown)));
            Assert.That(shown.PValue, Is.EqualTo(Math.Pow(AuditWorld.Fresh + 1, -20)).Within(1e-12 * Math.Pow(5, -20)));
            Assert.That((shown.Share, shown.Queries), Is.EqualTo((1.0, 20)));
            Assert.That((other.Name, other.Verdict), Is.EqualTo(("stranger", Verdict.NotShown)));
            Assert.That(other.PValue, Is.GreaterThan(0.01));
            Assert.That(result.Controls.Single().Passed);
            Assert.That(world.FirstFault(), Is.Null);
        });
        // The figures by hand: the ranks are all the test knows.
        var ranks = other.Tests[0].Ranks!.Ranks;
        Assert.That(other.PValue, Is.EqualTo(RankScores.Savage(5).UpperTail(20, RankScores.Savage(5).Sum(ranks)).Value));
    }

    [Test]
    public void WhoseDownloadsWereUsedIsSaid()
    {
        using var world = new AuditWorld("accounts", accounts: ["alice", "bob"]);
        // The copier has Alice's pictures only.
        var pictures = world.Log.Pictures.ToDictionary(
            p => p.Prompt, p => p.Account == "alice" ? world.Served[p.Prompt] : world.Source.Generate([new NoiseStream(NoisePurpose.Selection, 3, "x").Ask(p.Prompt, 0)])[0].Image!);
        var result = world.Run([world.Model("copier", pictures, 10)]).Result.Suspects.Single();
        Assert.Multiple(() =>
        {
            Assert.That(result.Verdict, Is.EqualTo(Verdict.Shown));
            Assert.That(result.Accounts.Single(a => a.Account == "alice").Shown, Is.True);
            Assert.That(result.Accounts.Single(a => a.Account == "bob").Shown, Is.False);
            // Over two accounts the smaller p counts twice.
            Assert.That(result.PValue, Is.EqualTo(2 * result.Accounts.Min(a => a.Ranks.PValue)));
        });
    }

    /// <summary>Two that are shown by themselves are so together only where half the level is enough for one of them.</summary>
    [Test]
    public void TheLevelHoldsOverAllSuspects()
    {
        using var world = new AuditWorld("several");
        var plan = world.Plan([world.Copier("one"), world.Copier("two")]);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(plan.Correction, Is.EqualTo(Correction.Holm));
            Assert.That((plan with { Sequential = true }).Correction, Is.EqualTo(Correction.EBenjaminiHochberg));
            Assert.That((plan with { Primary = PrimaryTest.SourceSwap }).Correction, Is.EqualTo(Correction.None));
            Assert.That(
                Json.Write(new[] { Correction.None, Correction.EBenjaminiHochberg, Correction.Holm }).ReplaceLineEndings("").Replace(" ", ""),
                Is.EqualTo("[\"none\",\"e-BH\",\"Holm\"]"));
        }
        string commit = world.Commit(plan);
        world.Ask(plan, commit, [world.Copier("one"), world.Stranger("two")]);
        var result = world.Judge(plan, commit).Judge();
        Assert.That(result.Correction, Is.EqualTo(Correction.Holm));
        double[] p = [.. result.Suspects.Select(s => s.PValue)];
        Assert.That(p[0], Is.LessThan(p[1]));
        Assert.That(Shown(2.5 * p[0]), Is.True, "more than twice its p");
        Assert.That(Shown(1.5 * p[0]), Is.False, "its p is below the level and not below half of it");

        bool Shown(double alpha) => world.Judge(plan with { Alpha = alpha }, commit).Judge().Suspects[0].Verdict == Verdict.Shown;
    }

    [Test]
    public void WhatIsStatedOfTheLogIsSaid()
    {
        Assert.That(ServedPlan.Completeness(true), Does.StartWith("The owner states").And.Contain("every picture that was returned"));
        Assert.That(ServedPlan.Completeness(false), Does.StartWith("Not stated").And.Contain("shows nothing"));
    }

    [Test]
    public void ASequentialAuditStopsWhenItIsShown()
    {
        using var world = new AuditWorld("sequential");
        StoredModel copier = world.Copier(), stranger = world.Stranger();
        var (_, _, result) = world.Run([copier, stranger], sequential: true);
        Assert.Multiple(() =>
        {
            Assert.That(result.Suspects[0].Verdict, Is.EqualTo(Verdict.Shown));
            Assert.That(result.Suspects[0].Queries, Is.EqualTo(copier.Asked.Count).And.LessThanOrEqualTo(8));
            Assert.That(result.Suspects[0].EValue, Is.GreaterThanOrEqualTo(200), "two suspects share the level");
            Assert.That(result.Suspects[0].PValue, Is.EqualTo(1 / result.Suspects[0].EValue!.Value).Within(1e-12));
            Assert.That(result.Suspects[1].Verdict, Is.EqualTo(Verdict.NotShown));
            Assert.That(stranger.Asked, Has.Count.EqualTo(20));
            Assert.That(world.FirstFault(), Is.Null);
        });
    }

    [Test]
    public void AnInterviewThatWasCutOffAsksNothingTwiceAndGivesTheSame()
    {
        using var whole = new AuditWorld("whole");
        string expected = Json.Write(whole.Run([whole.Copier()]).Result with { PlanCommit = "" });
        using var world = new AuditWorld("cut");
        var copier = world.Copier();
        var plan = world.Plan([copier]);
        string commit = world.Commit(plan);
        int left = 7;
        copier.Answering = () => _ = --left < 0 ? throw new OperationCanceledException() : 0;
        Assert.That(() => world.Ask(plan, commit, [copier]), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(() => world.Judge(plan, commit).Judge(), Throws.InstanceOf<UserException>().With.Message.Contains("not finished"));
        copier.Answering = null;
        world.Ask(plan, commit, [copier]);
        var result = world.Judge(plan, commit).Judge();
        Assert.That(copier.Asked.Select(q => q.Prompt), Is.Unique.And.Exactly(20).Items);
        string chain = result.Suspects[0].Chain;
        Assert.That(
            Json.Write(result with { PlanCommit = "" }).Replace(chain, "", StringComparison.Ordinal).Length,
            Is.EqualTo(expected.Length - 64), "but for commitment and chain, whose salt is fresh, the results are the same");
        Assert.That(result.Suspects[0].Tests[0].Ranks!.Ranks, Is.EqualTo(Json.Parse<AuditResult>(expected, "", "").Suspects[0].Tests[0].Ranks!.Ranks));
    }

    [Test]
    public void ALogOfAnotherModelGivesNoVerdict()
    {
        using var other = new AuditWorld("other");
        using var world = new AuditWorld("foreign", servedBy: other.Model("other", new TestWorld().Other, 40));
        var result = world.Run([world.Copier()]).Result;
        Assert.Multiple(() =>
        {
            Assert.That(result.Controls.Single() is { Passed: false, PFar: < 0.001 });
            Assert.That(result.Suspects.Single().Verdict, Is.EqualTo(Verdict.NoVerdict));
            Assert.That(result.Suspects.Single().Reason, Does.Contain("control"));
        });
    }

    [TestCase(4, Verdict.Shown)]
    [TestCase(5, Verdict.NoVerdict)]
    public void MoreUnusableAnswersThanPlannedGiveNoVerdict(int refused, Verdict verdict)
    {
        using var world = new AuditWorld($"refused{refused}");
        var copier = new StoredModel("copier", world.Served, 10)
        {
            Identity = CanonicalJson.Hash("c"), Refused = [.. world.Served.Keys.Take(refused)],
        };
        var result = world.Run([copier]).Result.Suspects.Single();
        Assert.Multiple(() =>
        {
            Assert.That(result.Verdict, Is.EqualTo(verdict));
            Assert.That(result.Answers.Unusable, Is.EqualTo(refused));
            Assert.That(result.Tests[0].Ranks!.Ranks, Has.Count.EqualTo(20 - refused));
            if (verdict == Verdict.NoVerdict) Assert.That(result.Reason, Does.Contain("refused"));
        });
    }

    [Test]
    public void AServiceThatBecomesAnotherModelGivesNoVerdictAndIsNotAskedFurther()
    {
        using var world = new AuditWorld("changed");
        var copier = world.Copier();
        var plan = world.Plan([copier]);
        string commit = world.Commit(plan);
        int left = 7;
        copier.Answering = () => _ = --left < 0 ? throw new ServiceChangedException("the service says that it draws with another model", "Audit that one.") : 0;
        world.Ask(plan, commit, [copier]);
        copier.Answering = null;
        world.Ask(plan, commit, [copier]);
        var result = world.Judge(plan, commit).Judge();
        world.Seal(result);
        Assert.Multiple(() =>
        {
            Assert.That(copier.Asked, Has.Count.EqualTo(7));
            Assert.That(result.Suspects[0].Verdict, Is.EqualTo(Verdict.NoVerdict));
            Assert.That(result.Suspects[0].Reason, Does.Contain("another model"));
            Assert.That(world.FirstFault(), Is.Null);
        });
    }

    /// <summary>Failures are counted against what was planned: with one of the first three answers missing a copier is shown all the same.</summary>
    [Test]
    public void AnEarlyFailureDoesNotAcquitInASequentialAudit()
    {
        using var world = new AuditWorld("early");
        var plan = world.Plan([world.Copier()], sequential: true);
        var copier = new StoredModel("copier", world.Served, 10)
        {
            Identity = plan.Suspects[0].Identity, Refused = [plan.Prompts[0], plan.Prompts[1]],
        };
        string commit = world.Commit(plan);
        world.Ask(plan, commit, [copier]);
        var result = world.Judge(plan, commit).Judge().Suspects[0];
        Assert.That(result.Answers.Share, Is.GreaterThan(0.2));
        Assert.That((result.Verdict, result.Answers.Unusable), Is.EqualTo((Verdict.Shown, 2)));
    }

    [Test]
    public void PromptsThatASuspectCannotBeAskedAreLeftOut()
    {
        using var world = new AuditWorld("syntax");
        using var store = AnswerStore.InMemory();
        string left = world.Log.Pictures[3].Prompt;
        var pool = TrialPool.Draw(world.Folder.Folder("a"), world.Log, p => p != left, world.Source, 2, most: 30, 1, store);
        Assert.That(pool.Trials.Select(t => t.Prompt), Is.EquivalentTo(world.Log.Pictures.Select(p => p.Prompt).Where(p => p != left)));
        Assert.That(
            () => TrialPool.Draw(world.Folder.Folder("b"), world.Log, _ => false, world.Source, 2, most: 30, 1, store),
            Throws.InstanceOf<UserException>().With.Message.Contains("no picture of the log can be tested"));
    }

    [Test]
    public void PlansThatMakeNoSenseAreRefused()
    {
        using var world = new AuditWorld("plans");
        var plan = world.Plan([world.Copier()]);
        Refused(plan with { Alpha = 0 }, "alpha");
        Refused(plan with { Unusable = 1 }, "unusable");
        Refused(plan with { Suspects = [] }, "no suspect");
        Refused(plan with { Suspects = [plan.Suspects[0], plan.Suspects[0]] }, "called 'copier'");
        Refused(plan with { Suspects = [new("me", world.Source.Identity)] }, "the source itself");
        Refused(plan with { Primary = PrimaryTest.SourceSwap }, "primary test");
        Refused(plan with { Served = plan.Served! with { Asked = [0, 0] } }, "each once");
        Refused(plan with { Served = plan.Served! with { Fresh = 3 } }, "3 fresh");
        Trial[] twice = [.. plan.Served!.Trials];
        twice[3] = twice[3] with { Logged = twice[1].Logged };
        Refused(plan with { Served = plan.Served! with { Trials = twice } }, $"2 trials have one entry of the log, number {twice[1].Logged.Number}");
        Refused(plan with { Sequential = true, Swap = AuditSwapTests.NoTwins }, "can stop early");
        Refused(plan with { Swap = AuditSwapTests.NoTwins }, "no twins");

        void Refused(AuditPlan wrong, string why)
        {
            world.Folder.WriteJson(AuditPlan.FileName, wrong);
            Assert.That(() => AuditPlan.Load(world.Folder.Root), Throws.InstanceOf<UserException>().With.Message.Contains(why));
        }
    }
}
