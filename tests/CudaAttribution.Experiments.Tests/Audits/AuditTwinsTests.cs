using CudaAttribution.Answers;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Experiments.Audits;
using CudaAttribution.Experiments.Plans;
using CudaAttribution.Experiments.Units;
using CudaAttribution.Images;
using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Files;
using CudaAttribution.Populations;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Units;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tests;
using CudaAttribution.Twins;

namespace CudaAttribution.Experiments.Tests.Audits;

/// <summary>Twins that an audit lacks, or has, or has in part; and what the audit says that it will take.</summary>
public sealed class AuditTwinsTests
{
    private static readonly DataSpec Data = new() { Set = "emoji:twitter", Shuffle = 1, Count = 6 };
    private static readonly FineTuneRecipe Recipe = new() { Steps = 2, BatchSize = 3, WeightType = DType.F16 };

    private ComputeDevice _device = null!;
    private TwinRequest _request = null!;

    [OneTimeSetUp]
    public void Train()
    {
        _device = ComputeDevice.Open("cpu", "kernels");
        var (g0, source, data) = (TestFolder.New("g0"), TestFolder.New("source"), Data.Load(16));
        using (var model = DiffusionModel.Create(ModelPreset.Load("nano"), data.Items.Select(i => i.Caption), _device, 1)) model.Save(g0);
        new FineTuner(_device, g0).Train(new RunFolder(source), data, Recipe, 5);
        _request = new TwinRequest
        {
            Source = source, Base = g0, Training = new SourceTraining { Recipe = Recipe, Data = Data, Seed = 5 }, Count = 2, Draws = 2,
            Sampling = new SamplingRecipe { Steps = 2, Guidance = 1 }, Statement = TwinDesign.NotPicked,
        };
    }

    [OneTimeTearDown]
    public void Close() => _device.Dispose();

    [Test]
    public void They_are_made_when_they_are_asked_for_and_found_afterwards()
    {
        string folder = TestFolder.New("twins");
        var wanted = AuditTwins.Of(_request, _device, folder, 90, Compute);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(wanted.Work, Is.EqualTo(new TwinWork(3, 3 * 6 * 2, 4)), "two twins and the source again, a minute and a half each");
            Assert.That(Directory.Exists(folder), Is.False);
            Assert.That(AuditTwins.Exists(folder), Is.False);
            Assert.That(AuditTwins.Of(_request with { Training = _request.Training with { Seed = null } }, _device, folder, null, Compute).Work, Is.EqualTo(new TwinWork(2, 36, null)));
        }
        // Of five units that are left one draws the source, which needs no training.
        Assert.That(
            () => AuditTwins.Of(_request, _device, folder, null, (store, ids) => Compute(store, [ids[3]], ids)).Set(),
            Throws.TypeOf<UserException>().With.Message.Contains("5 of 6 units of the twins have no result: not now").And.Message.Contains("Repeat the command"));
        var begun = AuditTwins.Of(_request, _device, folder, 90, Compute);
        Assert.That(begun.Work, Is.EqualTo(new TwinWork(3, 2 * 6 * 2, 4)));
        Assert.That(AuditTwins.In(folder, 90, Compute).Work, Is.EqualTo(begun.Work));
        var set = begun.Set();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(set.Models.Select(m => m.Seed), Is.EqualTo(new ulong?[] { 5, 6, 7 }));
            Assert.That(set.SourceReproduced, Is.True);
            foreach (var there in new[] { AuditTwins.In(folder, 90, Nobody), AuditTwins.Of(_request, _device, folder, 90, Nobody) })
            {
                Assert.That(there.Work, Is.Null);
                Assert.That(there.Set().Root, Is.EqualTo(set.Root));
            }
            Assert.That(
                () => AuditTwins.Of(_request with { Count = 3 }, _device, folder, 90, Nobody),
                Throws.TypeOf<UserException>().With.Message.Contains("other twins than these 3").And.Property("Setting").EqualTo("twins"));
        }
        // The weights are not needed any more.
        Directory.Delete(Path.Combine(folder, "units"), recursive: true);
        Assert.That(AuditTwins.Of(_request, _device, folder, 90, Nobody).Set().Root, Is.EqualTo(set.Root));
    }

    [Test]
    public void A_folder_without_twins_is_named()
    {
        string folder = TestFolder.New("nothing");
        Assert.That(() => AuditTwins.In(folder, null, Nobody), Throws.TypeOf<UserException>().With.Message.Contains("plan of twins"));
    }

    [Test]
    public void What_the_audit_takes_is_said()
    {
        var options = new AuditOptions { Source = new(_request.Source), Suspects = ["a", "b"], Twins = "twins", Base = new(_request.Base), SwapPrompts = 4 };
        var twins = AuditTwins.Of(_request, _device, TestFolder.New("twins"), 90, Nobody);
        var cost = AuditCost.Of(options, new(null, twins));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(cost, Is.EqualTo(new AuditCost(new TwinWork(3, 36, 4), 0, 8, 2, 0, 0, 0)));
            Assert.That(
                $"{cost}",
                Is.EqualTo(
                    "3 models are trained, the twins and where its seed is known the source once more (about 4 minutes by the source's own training), and 36 pictures "
                    + "of source and twins drawn; the source draws 0 fresh pictures; 2 suspects are asked 8 prompts each and 0 controls 0, at most; services charge 0 at most"));
            Assert.That($"{cost with { Twins = new(1, 2, null) }}", Does.Contain("(how long is not known)"));
            Assert.That($"{cost with { Twins = null }}", Does.StartWith("the source draws"));
            Assert.That(AuditCost.Of(options with { SwapPrompts = 64 }, new(null, twins)).Queries, Is.EqualTo(12), "six prompts are all");
            Assert.That(() => (options with { Sequential = true }).Check(), Throws.TypeOf<UserException>().With.Message.Contains("stop early"));
            Assert.That(() => (options with { Sequential = true, Twins = null }).Check(), Throws.Nothing);
        }
    }

    [Test]
    public void Queries_and_money_are_reckoned_from_the_log_that_was_read()
    {
        var log = new RunFolder(TestFolder.New("log"));
        log.Write("p.png", ImageCodecs.EncodePng(RgbImage.Filled(4, 4, 1, 2, 3)));
        // Of Alice three prompts, of Bob one; what its caller set is not tested.
        string[] served = ["a\talice\t", "a\talice\t", "b\talice\t", "c\talice\t", "a\tbob\t", "d\tbob\tseed"];
        log.Write("served.tsv", "prompt\taccount\tset_by_caller\tpicture\n" + string.Concat(served.Select(line => line + "\tp.png\n")));
        log.Write("service.json", """
            {"schema": "cudattr-http-suspect-1", "preset": "automatic1111", "url": "http://localhost:7860", "decoys_per_key": 2, "limits": {"cost_per_call": 0.5}}
            """);
        var options = new AuditOptions { Source = new("s"), Suspects = [log.Path("service.json"), "other"], Served = log.Root, Prompts = 2, Pool = 9, Fresh = 19 };
        var inputs = AuditInputs.Read(options, null);
        File.Delete(log.Path("served.tsv"));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(inputs.Log!.Pictures, Has.Count.EqualTo(6));
            Assert.That(AuditCost.Of(options, inputs), Is.EqualTo(new AuditCost(null, 4 * 19, 3, 2, 1, 3, 4.5m)), "three queries, each with two decoys");
            Assert.That(AuditCost.Of(options with { Pool = 2, Prompts = 1, Base = new("b") }, inputs), Is.EqualTo(new AuditCost(null, 3 * 19, 2, 2, 2, 2, 3m)));
            Assert.That(AuditInputs.Read(options with { Served = null }, null).Log, Is.Null);
            Assert.That(() => AuditInputs.Read(options, null), Throws.TypeOf<UserException>().With.Message.Contains("no served log"));
        }
    }

    [Test]
    public void A_log_whose_seeds_are_shared_is_refused_before_anything_is_begun()
    {
        var log = new RunFolder(TestFolder.New("shared"));
        log.Write("p.png", ImageCodecs.EncodePng(RgbImage.Filled(4, 4, 1, 2, 3)));
        log.Write("served.tsv", "prompt\tseed\tpicture\na\t42\tp.png\nb\t42\tp.png\n");
        var options = new AuditOptions { Source = new("s"), Suspects = ["other"], Served = log.Root };
        Assert.That(() => AuditInputs.Read(options, null), Throws.TypeOf<UserException>().With.Message.Contains("all 2 pictures have the seed 42"));
    }

    private static RunnerResult Nobody(UnitStore store, IReadOnlyList<string> ids) => throw new InvalidOperationException("nothing is to be computed");

    private RunnerResult Compute(UnitStore store, IReadOnlyList<string> ids) => Compute(store, ids, ids);

    /// <summary>Computes some, and says of the others that they have no result.</summary>
    private RunnerResult Compute(UnitStore store, IReadOnlyList<string> some, IReadOnlyList<string> all)
    {
        var kinds = ExperimentKinds.All(new UnitDevices(_ => _device));
        var done = new InProcessRunner(store, kinds).RunAsync(store.GraphOf(some), new Progress<UnitProgress>()).GetAwaiter().GetResult();
        return new([.. all.Select(id => store.IsFinished(id) ? done.Units.FirstOrDefault(u => u.Unit == id) ?? new(id, UnitEnding.Found) : new UnitEnd(id, UnitEnding.Stopped, "not now."))]);
    }
}
