using CudaAttribution.Chain;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Images;
using CudaAttribution.Runs;
using CudaAttribution.Served;
using CudaAttribution.Tensors;
using CudaAttribution.Verdicts;

namespace CudaAttribution.Tests.Verdicts;

/// <summary>An owner who makes the evidence fit, and anybody who touches it afterwards.</summary>
public class ForgeryTests
{
    /// <summary>The answers are known: the forger gives the stranger's own answers out for what was served, and makes everything behind it anew.</summary>
    [Test]
    public void AServedPictureReplacedAfterwards([Values] bool newSeal)
    {
        using var world = new AuditWorld($"replaced{newSeal}");
        var (plan, commit, _) = world.Run([world.Stranger()]);
        var trials = plan.Served!.Trials.ToArray();
        var pool = new TrialPool(world.Folder.Path(AuditPlaces.Trials), trials);
        foreach (var asked in AuditInterview.Read(world.Folder.Path(AuditPlaces.OfSuspect(plan, 0)), plan, commit, plan.Suspects[0].Identity).ToArray())
        {
            int trial = plan.Served.Asked[asked.Query];
            var pictures = pool.Pictures(trial);
            pictures[trials[trial].Served] = asked.Answer.Image!;
            world.Folder.WriteImage($"{AuditPlaces.Trials}/{TrialPool.FileOf(trial)}", PictureStrip.Join(pictures));
            trials[trial] = trials[trial] with { Pictures = [.. pictures.Select(ImageHash.Of)] };
        }
        var forged = plan with { Served = plan.Served with { Trials = trials } };
        world.Folder.WriteJson(AuditPlan.FileName, forged);
        if (newSeal) world.Seal(world.Judge(forged, commit).Judge());
        Assert.That(world.FirstFault(), Is.Not.Null.And.Contains(newSeal ? "committed to" : "plan.json was changed"));
    }

    [Test]
    public void APlanMadeAnewIsAnotherPlan()
    {
        using var world = new AuditWorld("anew");
        string noted = world.Run([world.Stranger()]).Commit;
        Assert.That(world.FirstFault(noted), Is.Null);
        // Everything anew, in itself consistent: what was noted before tells it.
        Directory.Delete(world.Folder.Root, recursive: true);
        Directory.CreateDirectory(world.Folder.Root);
        world.Run([world.Stranger()]);
        Assert.That(world.FirstFault(), Is.Null);
        Assert.That(world.FirstFault(noted), Does.Contain("another plan"));
    }

    [Test]
    public void LevelTestOrControlChanged()
    {
        using var world = new AuditWorld("level");
        var (plan, commit, _) = world.Run([world.Stranger()]);
        foreach (var forged in new[] { plan with { Alpha = 0.9 }, plan with { Sequential = true }, plan with { Controls = [] }, plan with { Seed = 8 } })
        {
            world.Folder.WriteJson(AuditPlan.FileName, forged);
            world.Seal(world.Judge(forged, commit).Judge());
            Assert.That(world.FirstFault(), Does.Contain("committed to"));
        }
    }

    /// <summary>An owner who forges before anything is committed to: everything fits but the log, which is known by its root.</summary>
    [Test]
    public void AServedPictureThatIsNotProvedToBeOfTheLog()
    {
        using var world = new AuditWorld("log", prompts: 6);
        var (plan, _, result) = world.Run([world.Stranger()], prompts: 6);
        var served = plan.Served!;
        Assert.That(served.Unlogged(), Is.Null);
        Trial first = served.Trials[0], second = served.Trials[1];
        string last = first.Logged.Proof[^1], flipped = (last[0] == '0' ? '1' : '0') + last[1..];
        (Trial Forged, int Number)[] forgeries =
        [
            (first with { Logged = first.Logged with { Proof = [.. first.Logged.Proof.SkipLast(1), flipped] } }, first.Logged.Number),
            (first with { Served = (first.Served + 1) % first.Pictures.Count }, first.Logged.Number),
            (first with { Account = "alice" }, first.Logged.Number),
            (first with { Logged = first.Logged with { Number = 6 } }, 6),
        ];
        foreach (var (forged, number) in forgeries)
            Named(served with { Trials = [forged, .. served.Trials.Skip(1)] }, forged.Prompt, number);
        Named(served with { Trials = [first with { Logged = second.Logged }, second with { Logged = first.Logged }, .. served.Trials.Skip(2)] }, first.Prompt, second.Logged.Number);
        Named(served with { Log = new string('a', 64) }, first.Prompt, first.Logged.Number);
        Named(served with { Entries = 9 }, first.Prompt, first.Logged.Number);
        Named(served with { Trials = [first, second with { Logged = second.Logged with { Seed = 3 } }, .. served.Trials.Skip(2)] }, second.Prompt, second.Logged.Number);

        void Named(ServedPlan forged, string prompt, int number)
        {
            File.Delete(world.Folder.Path(Commitment.FileName));
            world.Commit(plan with { Served = forged });
            world.Seal(result);
            Assert.That(world.FirstFault(), Is.EqualTo($"plan.json does not prove that the picture served for '{prompt}' is number {number} of the log"));
        }
    }

    [Test]
    public void AnAnswerLeftOut()
    {
        using var world = new AuditWorld("dropped");
        var (plan, commit, result) = world.Run([world.Stranger()]);
        string chain = world.Folder.Path($"{AuditPlaces.OfSuspect(plan, 0)}/{AuditInterview.ChainFile}");
        string[] lines = File.ReadAllLines(chain);
        foreach (string[] kept in new[] { lines[..^1], [.. lines[..3], .. lines[4..]], lines[1..], [.. lines, lines[^1]] })
        {
            File.WriteAllText(chain, string.Concat(kept.Select(l => l + "\n")));
            world.Seal(result);
            Assert.That(world.FirstFault(), Is.Not.Null);
            Assert.That(() => world.Judge(plan, commit).Judge(), Throws.InstanceOf<UserException>());
        }
    }

    [Test]
    public void AVerdictRewritten()
    {
        using var world = new AuditWorld("rewritten");
        var result = world.Run([world.Stranger()]).Result;
        world.Seal(result with { Suspects = [result.Suspects[0] with { Verdict = Verdict.Shown, PValue = 1e-9 }] });
        Assert.That(world.FirstFault(), Is.EqualTo("audit.json is not what the answers give"));
    }

    [Test]
    public void ARunRepeatedUntilItFits()
    {
        using var world = new AuditWorld("repeated");
        var stranger = world.Stranger();
        var register = new AttemptRegister(Path.Combine(TestFolder.New("register"), AttemptRegister.FileName));
        var first = register.Plan(world.Source.Identity, stranger.Name, stranger.Identity, PrimaryTest.ServedVersusFresh);
        Assert.That(first, Is.EqualTo(new PlannedSuspect(stranger.Name, stranger.Identity)));
        var plan = world.Plan([stranger]);
        string commit = world.Commit(plan);
        register.Enter(plan, commit, world.Folder.Root);
        register.Enter(plan, commit, world.Folder.Root);
        Assert.That(Again, Throws.InstanceOf<UserException>().With.Message.Contains("not finished"), "a run cannot be broken off and begun anew");
        world.Ask(plan, commit, [stranger]);
        var result = world.Judge(plan, commit).Judge();
        world.Seal(result);
        var second = Again();
        Assert.Multiple(() =>
        {
            Assert.That((second.Attempt, second.Previous), Is.EqualTo((2, commit)), "one entry a run, however often it is continued");
            Assert.That(second.CarriedLog10E, Is.EqualTo(result.Suspects[0].OwnLog10E));
            Assert.That(
                register.Plan(world.Source.Identity, "other", "other identity", PrimaryTest.ServedVersusFresh).Attempt, Is.EqualTo(1));
        });
        // The bet of the second goes on: what the first lost has to be won back.
        using var repeated = new AuditWorld("again");
        var carried = repeated.Plan([stranger]) with { Suspects = [second with { CarriedLog10E = -3 }] };
        string commitment = repeated.Commit(carried);
        repeated.Ask(carried, commitment, [stranger]);
        var judged = repeated.Judge(carried, commitment).Judge().Suspects[0];
        Assert.That(judged.PValue, Is.EqualTo(1), "the p-value of a fixed number of queries is not its own any more");
        Assert.That(Math.Log10(judged.EValue!.Value), Is.EqualTo(judged.OwnLog10E!.Value - 3).Within(1e-9));

        PlannedSuspect Again() => register.Plan(world.Source.Identity, stranger.Name, stranger.Identity, PrimaryTest.ServedVersusFresh);
    }

    [Test]
    public void ASourceSwapIsNotRepeated()
    {
        using var world = new AuditWorld("swap");
        var plan = world.Plan([world.Stranger()]) with { Primary = PrimaryTest.SourceSwap };
        var register = new AttemptRegister(Path.Combine(TestFolder.New("register"), AttemptRegister.FileName));
        register.Enter(plan, new string('a', 64), world.Folder.Root);
        Assert.That(
            () => register.Plan(plan.Source.Identity, "s", plan.Suspects[0].Identity, PrimaryTest.SourceSwap),
            Throws.InstanceOf<UserException>().With.Message.Contains("stands"));
    }

    /// <summary>A thousand changes of one byte, anywhere in the folder: each is named by its file.</summary>
    [Test]
    [Category("Enumeration")]
    public void EveryByteIsLookedAfter()
    {
        using var world = new AuditWorld("bytes");
        world.Run([world.Copier(), world.Stranger()]);
        string[] files = [.. Directory.GetFiles(world.Folder.Root, "*", SearchOption.AllDirectories)];
        long[] ends = new long[files.Length];
        for (int i = 0; i < files.Length; i++) ends[i] = new FileInfo(files[i]).Length + (i > 0 ? ends[i - 1] : 0);
        var random = new PhiloxSequence(3, Philox.Stream("bytes"));
        for (int change = 0; change < 1000; change++)
        {
            int at = random.Next((int)ends[^1]), file = Array.FindIndex(ends, e => at < e);
            byte[] original = File.ReadAllBytes(files[file]), changed = [.. original];
            changed[at - (file > 0 ? ends[file - 1] : 0)] ^= (byte)(1 + random.Next(255));
            File.WriteAllBytes(files[file], changed);
            string name = Path.GetRelativePath(world.Folder.Root, files[file]).Replace(Path.DirectorySeparatorChar, '/');
            Assert.That(world.FirstFault(), Does.StartWith(name), $"byte {at} of all");
            File.WriteAllBytes(files[file], original);
        }
        Assert.That(world.FirstFault(), Is.Null);
    }

    [Test]
    public void AFileMoreOrLess()
    {
        using var world = new AuditWorld("files");
        var (plan, _, _) = world.Run([world.Stranger()]);
        world.Folder.Write("note.txt", "x");
        Assert.That(world.FirstFault(), Is.EqualTo("note.txt was not there when the folder was sealed"));
        File.Delete(world.Folder.Path("note.txt"));
        File.Delete(world.Folder.Path($"{AuditPlaces.OfSuspect(plan, 0)}/{AuditInterview.PicturesFolder}/0003.png"));
        Assert.That(world.FirstFault(), Does.EndWith("0003.png is missing"));
        File.Delete(world.Folder.Path(AuditSeal.FileName));
        Assert.That(world.FirstFault(), Does.Contain("seal"));
    }
}
