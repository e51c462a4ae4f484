using CudaAttribution.Answers;
using CudaAttribution.Images;
using CudaAttribution.Measures;
using CudaAttribution.Runs;
using CudaAttribution.Served;
using CudaAttribution.Tests.World;

namespace CudaAttribution.Tests.Served;

public sealed class ServedLogDrawTests
{
    private static readonly ServedAccount[] Accounts = [new("ada", 5), new("ben", 12)];

    private readonly TestWorld _world = new();

    private string[] Prompts => [.. _world.Training.Items.Take(8).Select(i => i.Caption)];

    [Test]
    public void EachAccountGetsWhatItAsksForAndThePicturesAreTheSources()
    {
        var source = _world.SourceModel();
        var log = Draw(source);
        var (ada, ben) = (Of(log, "ada"), Of(log, "ben"));
        using (Assert.EnterMultipleScope())
        {
            Assert.That((ada.Length, ben.Length, log.Pictures.Count), Is.EqualTo((5, 12, 17)));
            Assert.That(ada.Select(p => p.Prompt).Distinct().Count(), Is.EqualTo(5), "no prompt twice while there are others");
            Assert.That(ben.GroupBy(p => p.Prompt).Select(g => g.Count()).Order(), Is.EqualTo(new[] { 1, 1, 1, 1, 2, 2, 2, 2 }));
            Assert.That(log.Pictures.Select(p => p.Prompt).Distinct(), Is.SubsetOf(Prompts));
            Assert.That(ada.Select(p => p.Prompt), Is.Not.EqualTo(ben.Take(5).Select(p => p.Prompt)), "accounts ask in orders of their own");
            foreach (var p in log.Pictures) Assert.That(Fixtures.Distance.Between(log.Read(p), _world.Source[p.Prompt]), Is.LessThan(0.05));
        }
    }

    /// <summary>What the test on such a log stands on: a seed for each picture, and nothing set by the caller.</summary>
    [Test]
    public void SeedsAreKnownAndDistinctAndDecideThePictures()
    {
        var source = _world.SourceModel();
        var log = Draw(source);
        Assert.That(() => log.CheckSeeds(), Throws.Nothing);
        Assert.That((log.SeedsKnown, log.Testable.Count()), Is.EqualTo((true, 17)));
        Assert.That(log.Pictures.Select(p => p.Seed!.Value), Is.Unique.And.All.LessThan(1ul << 53));
        Assert.That(source.Asked.Select(q => q.Noise), Is.EqualTo(log.Pictures.Select(p => new NoiseId(NoisePurpose.Served, source.Identity, p.Seed!.Value, 0))));
    }

    [Test]
    public void TheSameSeedGivesTheSameFilesAlsoOverAnEarlierTry()
    {
        string first = Files(1);
        Assert.That(Files(1), Is.EqualTo(first));
        Assert.That(Files(2), Is.Not.EqualTo(first));
        var folder = new RunFolder(TestFolder.New("again"));
        Write(folder, _world.SourceModel(), 1);
        Write(folder, _world.SourceModel(), 1);
        Assert.That(File.ReadAllText(folder.Path(ServedLog.LinesFile)), Is.EqualTo(first));

        string Files(ulong seed)
        {
            var log = new RunFolder(TestFolder.New("log"));
            Write(log, _world.SourceModel(), seed);
            return File.ReadAllText(log.Path(ServedLog.LinesFile));
        }
    }

    [Test]
    public void WhatMakesNoLogIsRefused()
    {
        Refused([], Prompts, "there is none");
        Refused([new("ada", 0)], Prompts, "asks for no picture");
        Refused([new("", 1)], Prompts, "has no name");
        Refused([new("ada", 1), new("ada", 2)], Prompts, "2 accounts are called 'ada'");
        Refused(Accounts, [], "no prompts");
        var silent = new StoredModel("s", new Dictionary<string, RgbImage>(), 0) { Refused = ["unknown"] };
        Assert.That(
            () => ServedLogDraw.Draw(new RunFolder(TestFolder.New("log")), silent, [new("ada", 1)], ["unknown"], 1, AnswerStore.InMemory()),
            Throws.TypeOf<UserException>().With.Message.Contains("gave no picture for 'unknown' (refused)"));

        void Refused(ServedAccount[] accounts, string[] prompts, string problem) => Assert.That(
            () => ServedLogDraw.Draw(new RunFolder(TestFolder.New("log")), _world.SourceModel(), accounts, prompts, 1, AnswerStore.InMemory()),
            Throws.TypeOf<UserException>().With.Message.Contains(problem));
    }

    private static ServedPicture[] Of(ServedLog log, string account) => [.. log.Pictures.Where(p => p.Account == account)];

    private ServedLog Draw(IImageModel source)
    {
        var folder = new RunFolder(TestFolder.New("log"));
        Write(folder, source, 1);
        return ServedLogReader.Read(folder.Root);
    }

    private void Write(RunFolder folder, IImageModel source, ulong seed) =>
        ServedLogDraw.Draw(folder, source, Accounts, Prompts, seed, AnswerStore.InMemory());
}
