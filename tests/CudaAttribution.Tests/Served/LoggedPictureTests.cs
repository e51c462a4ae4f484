using CudaAttribution.Answers;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Images;
using CudaAttribution.Runs;
using CudaAttribution.Served;
using CudaAttribution.Tests.World;

namespace CudaAttribution.Tests.Served;

/// <summary>What shows, without the log, that a tested picture is one of it.</summary>
public sealed class LoggedPictureTests
{
    private const string Table =
        "prompt\tpicture\taccount\ttime\tseed\tset_by_caller\n"
        + "a\ta.png\talice\t2026-11-28T13:00:00.5+01:00\t18446744073709551615\t\n"
        + "b\tb.png\talice\t\t7\tseed\n"
        + "c\tc.png\t\t\t8\t\n"
        + "a\tb.png\tbob\t\t9\t\n";

    private ServedLog _log = null!;
    private string _root = "";
    private Trial[] _trials = [];

    [SetUp]
    public void Draw()
    {
        var folder = new RunFolder(TestFolder.New("log"));
        foreach (var (number, name) in new[] { "a", "b", "c" }.Index()) folder.Write($"{name}.png", ImageCodecs.EncodePng(Picture(number)));
        folder.Write("served.tsv", Table);
        _log = ServedLogReader.Read(folder.Root);
        _root = ServedLogCommitment.Tree(_log.Pictures).Root;
        var pictures = new Dictionary<string, RgbImage> { ["a"] = Picture(4), ["c"] = Picture(5) };
        using var store = AnswerStore.InMemory();
        _trials =
        [
            .. TrialPool.Draw(new RunFolder(TestFolder.New("trials")), _log, _ => true, new StoredModel("source", pictures, 20), 2, most: 9, 1, store).Trials
                .OrderBy(t => t.Logged.Number),
        ];
    }

    private static RgbImage Picture(int colour) => RgbImage.Filled(8, 8, (byte)(40 * colour), 100, 200);

    [Test]
    public void A_trial_names_the_entry_of_its_served_picture()
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(_trials.Select(t => t.Logged.Number), Is.EqualTo(new[] { 0, 2, 3 }), "the second was drawn as its caller wished");
            Assert.That(_trials.Select(t => t.Logged.Seed), Is.EqualTo(new ulong?[] { ulong.MaxValue, 8, 9 }));
            Assert.That(_trials[0].Logged.Time, Is.EqualTo(new DateTime(2026, 11, 28, 12, 0, 0, 500, DateTimeKind.Utc)));
            foreach (var trial in _trials)
                Assert.That(ServedLogCommitment.Entry(trial), Is.EqualTo(ServedLogCommitment.Entry(_log.Pictures[trial.Logged.Number])));
        }
    }

    [Test]
    public void Its_proof_holds_after_it_was_written_and_read()
    {
        foreach (var trial in _trials)
        {
            var read = Json.Parse<Trial>(Json.Write(trial), "", "");
            Assert.That(read.IsIn(_root, 4), $"{trial.Logged.Number}");
            Assert.That(read.Logged.Proof, Has.Count.EqualTo(2));
        }
    }

    [Test]
    public void Of_anything_else_it_does_not_hold()
    {
        var trial = _trials[0];
        int other = (trial.Served + 1) % 3;
        string touched = trial.Logged.Proof[1][..^1] + (trial.Logged.Proof[1][^1] == '0' ? '1' : '0');
        (string What, Trial Forged)[] forged =
        [
            ("a fresh picture", trial with { Served = other }),
            ("another prompt", trial with { Prompt = "A" }),
            ("another account", trial with { Account = "bob" }),
            ("no account", trial with { Account = null }),
            ("another seed", trial with { Logged = trial.Logged with { Seed = 1 } }),
            ("no seed", trial with { Logged = trial.Logged with { Seed = null } }),
            ("another time", trial with { Logged = trial.Logged with { Time = trial.Logged.Time!.Value.AddTicks(1) } }),
            ("no time", trial with { Logged = trial.Logged with { Time = null } }),
            ("another place", trial with { Logged = trial.Logged with { Number = 1 } }),
            ("another entry", trial with { Logged = _trials[1].Logged }),
            ("a forged proof", trial with { Logged = trial.Logged with { Proof = [trial.Logged.Proof[0], touched] } }),
            ("half a proof", trial with { Logged = trial.Logged with { Proof = [trial.Logged.Proof[0]] } }),
        ];
        using (Assert.EnterMultipleScope())
        {
            foreach (var (what, forgery) in forged) Assert.That(forgery.IsIn(_root, 4), Is.False, what);
            Assert.That(trial.IsIn(_root, 5), Is.False, "a longer log");
            Assert.That(trial.IsIn(new string('0', 64), 4), Is.False, "another log");
        }
    }
}
