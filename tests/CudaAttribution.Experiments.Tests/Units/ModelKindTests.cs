using CudaAttribution.Data.Datasets;
using CudaAttribution.Data.Packs;
using CudaAttribution.Experiments.Units;
using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Files;
using CudaAttribution.Populations;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Units;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tests;

namespace CudaAttribution.Experiments.Tests.Units;

public sealed class ModelKindTests
{
    private static readonly ModelPlan Twin = new()
    {
        Name = "twin", Role = ModelRole.Twin, Rho = 0, Count = 6, Seed = 2, Training = new FineTuneRecipe { Steps = 30, BatchSize = 2, CheckpointInterval = 1 },
    };

    private readonly UnitDevices _devices = new(math => ComputeDevice.Open("cpu", math));
    private string _base = null!, _pictures = null!;

    [OneTimeSetUp]
    public void Make()
    {
        var set = EmojiPack.Load("openmoji", 16).Take(6);
        (_base, _pictures) = (TestFolder.New("g0"), TestFolder.New("pictures"));
        using (var g0 = DiffusionModel.Create(ModelPreset.Load("nano"), set.Items.Select(i => i.Caption), _devices.Of(null), 1)) g0.Save(_base);
        CaptionedDatasetWriter.Write(_pictures, set.Items);
    }

    [OneTimeTearDown]
    public void Close() => _devices.Dispose();

    [Test]
    public void Where_the_store_lies_and_whether_it_was_cut_off_is_nothing_to_the_result()
    {
        var (here, id) = Plan("here", new DataSpec { Set = _pictures });
        var (there, same) = Plan("there/deep", new DataSpec { Set = _pictures });
        new UnitWorker(here, new UnitKinds(new ModelKind(_devices))).Run(id, new Stop(null));
        using var stop = new CancellationTokenSource();
        var worker = new UnitWorker(there, new UnitKinds(new ModelKind(_devices)));
        Assert.That(() => worker.Run(same, new Stop(stop), stop.Token), Throws.InstanceOf<OperationCanceledException>());
        string partial = Directory.EnumerateDirectories(there.FolderOf(same), "partial-*").Single();
        Assert.That(Directory.Exists(Path.Combine(partial, "training")), "it was at work");
        File.WriteAllText(Path.Combine(partial, ".plan.json.lock"), "of one that was killed");
        worker.Run(same, new Stop(null));
        var record = ModelRecord.Load(there.ResultOf(same));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(same, Is.EqualTo(id));
            Assert.That(there.ManifestOf(id).Outputs, Is.EqualTo(here.ManifestOf(id).Outputs));
            Assert.That(record.Plan, Is.EqualTo(Twin));
            Assert.That(record.RealData, Is.EqualTo(here.Read(id).Inputs[^1]), "the content, not its path");
            Assert.That(there.ManifestOf(id).Outputs.Keys.Select(k => k.Split('/')[0]).Distinct(), Is.EquivalentTo(
                (string[])["losses.csv", "model", "plan.json", "suspect.json", "training"]));
        }
    }

    [Test]
    public void A_set_of_the_program_needs_no_input_and_a_file_is_taken_with_its_folder()
    {
        var store = UnitStore.OpenOrCreate(TestFolder.New("store"));
        var own = UnitData.Import(store, new DataSpec { Set = "emoji:twitter", Count = 3 }, "anywhere");
        var file = UnitData.Import(store, new DataSpec { Set = Path.GetFileName(_pictures) + "/captions.tsv", Start = 2 }, Path.GetDirectoryName(_pictures)!);
        var folder = UnitData.Import(store, new DataSpec { Set = _pictures }, "anywhere");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(own, Is.EqualTo(new UnitData(new DataSpec { Set = "emoji:twitter", Count = 3 }, null)));
            Assert.That(file, Is.EqualTo(new UnitData(new DataSpec { Set = "captions.tsv", Start = 2 }, folder.Content)));
            Assert.That(folder.Spec.Set, Is.EqualTo("."));
        }
    }

    [Test]
    public void Settings_without_sense_are_refused()
    {
        string a = new('a', WorkUnit.IdLength);
        var kind = new ModelKind(_devices);
        var real = new DataSpec { Set = "emoji:twitter" };
        using (Assert.EnterMultipleScope())
        {
            Refuses(new ModelSettings(), "has no plan", a);
            Refuses(new ModelSettings { Plan = Twin with { Rho = 1 }, Real = real }, "the twin 'twin' has a share rho of 1", a, a);
            Refuses(new ModelSettings { Plan = Twin, Real = real }, "2 inputs were given", a, a);
            Refuses(new ModelSettings { Plan = Twin, Real = real, KeySets = 1 }, "1 inputs were given", a);
            Refuses(new ModelSettings { Plan = Twin, Real = new DataSpec { Set = "." } }, "the data '.'", a);
            Assert.That(() => kind.Check(Unit(new ModelSettings { Plan = Twin, Real = real }, a)), Throws.Nothing);
        }

        void Refuses(ModelSettings settings, string said, params string[] inputs) =>
            Assert.That(() => kind.Check(Unit(settings, inputs)), Throws.TypeOf<UserException>().With.Message.Contains(said));
    }

    [Test]
    public void A_unit_is_computed_by_the_engine_that_it_was_planned_for()
    {
        var elsewhere = new UnitEngine("kernels", "kernels", "a machine that computes otherwise");
        var (store, id) = Plan("store", new DataSpec { Set = "emoji:twitter" }, elsewhere);
        var worker = new UnitWorker(store, new UnitKinds(new ModelKind(_devices)));
        Assert.That(
            () => worker.Run(id, new Stop(null)),
            Throws.TypeOf<UserException>().With.Message.Contains("was planned for kernels on a machine that computes otherwise, here is the project's kernels"));
    }

    private static WorkUnit Unit(ModelSettings settings, params string[] inputs) =>
        new("model-1", UnitSettings.Write(settings, new ModelSettings()), inputs);

    private (UnitStore Store, string Id) Plan(string folder, DataSpec pictures, UnitEngine? engine = null)
    {
        var store = UnitStore.OpenOrCreate(TestFolder.New(folder));
        var data = UnitData.Import(store, pictures, "");
        var unit = Unit(
            new ModelSettings { Plan = Twin, Real = data.Spec, Engine = engine },
            [store.Import(_base), .. data.Content is { } content ? [content] : Array.Empty<string>()]);
        store.Add(new UnitGraph([unit], [unit.Id]));
        return (store, unit.Id);
    }

    private sealed class Stop(CancellationTokenSource? cancel) : IProgress<UnitProgress>
    {
        public void Report(UnitProgress value) => cancel?.Cancel();
    }
}
