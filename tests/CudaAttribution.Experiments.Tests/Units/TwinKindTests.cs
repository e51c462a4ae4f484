using System.Text.Json.Nodes;
using CudaAttribution.Answers;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Data.Packs;
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

namespace CudaAttribution.Experiments.Tests.Units;

/// <summary>The kinds that twins are made of: <c>twin-1</c> and <c>sheet-1</c>.</summary>
public sealed class TwinKindTests
{
    /// <summary>So many that not all are asked at once, and a cut leaves some.</summary>
    private const int Draws = 25;

    private static readonly string A = new('a', WorkUnit.IdLength);

    private static readonly TwinSettings Twin = new()
    {
        Recipe = new FineTuneRecipe { Steps = 30, BatchSize = 2, CheckpointInterval = 1 }, Seed = 2, Data = new DataSpec { Set = "emoji:twitter", Count = 6 },
    };

    private static readonly SheetSettings Sheet = new()
    {
        Prompts = ["red apple", "blue car", "cat"], Draws = Draws, Seed = 7, Sampling = new SamplingRecipe { Steps = 2, Guidance = 1 },
    };

    private readonly UnitDevices _devices = new(math => ComputeDevice.Open("cpu", math));
    private string _base = null!;

    [OneTimeSetUp]
    public void Make()
    {
        _base = TestFolder.New("g0");
        var captions = EmojiPack.Load("twitter", 16).Take(6).Items.Select(i => i.Caption);
        using var g0 = DiffusionModel.Create(ModelPreset.Load("nano"), captions, _devices.Of(null), 1);
        g0.Save(_base);
    }

    [OneTimeTearDown]
    public void Close() => _devices.Dispose();

    [Test]
    public void A_twin_that_was_cut_off_and_one_that_was_not_are_the_same()
    {
        var (here, id) = Enter("here", TwinKind.KindName, UnitSettings.Write(Twin, new TwinSettings()));
        var (there, same) = Enter("there/deep", TwinKind.KindName, UnitSettings.Write(Twin, new TwinSettings()));
        Worker(here).Run(id, new Stop(null));
        using var stop = new CancellationTokenSource();
        Assert.That(() => Worker(there).Run(same, new Stop(stop), stop.Token), Throws.InstanceOf<OperationCanceledException>());
        string partial = Directory.EnumerateDirectories(there.FolderOf(same), "partial-*").Single();
        Assert.That(Directory.Exists(Path.Combine(partial, "checkpoints")), "it was at work");
        Worker(there).Run(same, new Stop(null));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(same, Is.EqualTo(id));
            Assert.That(there.ManifestOf(id).Outputs, Is.EqualTo(here.ManifestOf(id).Outputs));
            Assert.That(there.ManifestOf(id).Outputs.Keys.Select(k => k.Split('/')[0]).Distinct(), Is.EquivalentTo(
                (string[])["losses.csv", "model", "twin.json"]));
            using var model = LocalModel.Open(there.ResultOf(id), _devices.Of(null), Sheet.Sampling);
            Assert.That(
                Json.Read<TwinRecord>(Path.Combine(there.ResultOf(id), TwinRecord.FileName), "record"),
                Is.EqualTo(new TwinRecord(TwinRecord.CurrentSchema, model.Identity)));
        }
    }

    [Test]
    public void All_that_the_settings_say_counts()
    {
        var few = Twin with { Recipe = Twin.Recipe with { Steps = 2 } };
        string Identity(string name, TwinSettings settings)
        {
            var (store, id) = Enter(name, TwinKind.KindName, UnitSettings.Write(settings, new TwinSettings()));
            Worker(store).Run(id, new Stop(null));
            return Json.Read<TwinRecord>(Path.Combine(store.ResultOf(id), TwinRecord.FileName), "record").Identity;
        }

        var recipe = few.Recipe;
        FineTuneRecipe[] recipes =
        [
            recipe, recipe with { Steps = 3 }, recipe with { BatchSize = 4 }, recipe with { LearningRate = 0.01 }, recipe with { WarmupSteps = 2 },
            recipe with { WeightDecay = 0.5 }, recipe with { MaxGradientNorm = 0.01 }, recipe with { CaptionDrop = 1 }, recipe with { MinSnrGamma = 0.1 },
            recipe with { EmaDecay = 0.5 }, recipe with { GradientAccumulation = 2 }, recipe with { WeightType = DType.F16 }, recipe with { AdapterRank = 1 },
            recipe with { AdapterRank = 1, AdapterAlpha = 3 },
        ];
        string[] all =
        [
            .. recipes.Select((r, i) => Identity($"recipe {i}", few with { Recipe = r })), Identity("seed", few with { Seed = 3 }),
            Identity("data", few with { Data = few.Data! with { Shuffle = 1, Count = null, Start = 0 } }),
        ];
        Assert.That(all, Is.Unique);
    }

    [Test]
    public void A_sheet_has_what_the_model_answers_also_after_it_was_cut_off()
    {
        var (store, id) = Enter("store", SheetKind.KindName, UnitSettings.Write(Sheet, new SheetSettings()));
        using var cancel = new CancellationTokenSource();
        Assert.That(() => Worker(store).Run(id, new Stop(cancel), cancel.Token), Throws.InstanceOf<OperationCanceledException>());
        Worker(store).Run(id, new Stop(null));
        using var model = LocalModel.Open(_base, _devices.Of(null), Sheet.Sampling);
        var record = Json.Read<SheetRecord>(Path.Combine(store.ResultOf(id), SheetRecord.FileName), "record");
        var page = PictureFiles.Read(Path.Combine(store.ResultOf(id), SheetRecord.PageFile(0)));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(store.ManifestOf(id).Outputs.Keys, Is.EqualTo(["000.webp", "sheet.json"]));
            Assert.That((record.Identity, record.Pages.Single()), Is.EqualTo((model.Identity, ImageHash.Of(page))));
            for (int prompt = 0; prompt < 3; prompt++)
            {
                int first = prompt * Draws;
                var answers = model.Generate(
                    [.. Enumerable.Range(first, Draws).Select(n => new Query(Sheet.Prompts[n / Draws], new NoiseId(NoisePurpose.TwinDraws, model.Identity, 7, n)))]);
                Assert.That(new SheetLayout(3, Draws, 16).Cut(page, prompt), Is.EqualTo(answers.Select(a => a.Image)));
            }
        }
    }

    [Test]
    public void Settings_without_sense_are_refused()
    {
        var (twin, sheet) = (new TwinKind(_devices), new SheetKind(_devices));
        using (Assert.EnterMultipleScope())
        {
            Refuses(twin, UnitSettings.Write(Twin with { Data = null }, new TwinSettings()), "names no data", A);
            Refuses(twin, UnitSettings.Write(Twin with { Recipe = Twin.Recipe with { Steps = 0 } }, new TwinSettings()), "Steps is 0", A);
            Refuses(twin, UnitSettings.Write(Twin with { Recipe = Twin.Recipe with { CaptionDrop = 2 } }, new TwinSettings()), "CaptionDrop is 2", A);
            Refuses(twin, UnitSettings.Write(Twin with { Recipe = Twin.Recipe with { AdapterRank = 0 } }, new TwinSettings()), "rank of an adapter", A);
            Refuses(twin, UnitSettings.Write(Twin, new TwinSettings()), "0 inputs were given");
            Refuses(twin, UnitSettings.Write(Twin with { Data = new DataSpec { Set = "." } }, new TwinSettings()), "the data '.'", A);
            Refuses(sheet, UnitSettings.Write(Sheet with { Prompts = [] }, new SheetSettings()), "nothing to draw", A);
            Refuses(sheet, UnitSettings.Write(Sheet with { Draws = 0 }, new SheetSettings()), "nothing to draw", A);
            Refuses(sheet, UnitSettings.Write(Sheet, new SheetSettings()), "2 inputs were given", A, A);
            Assert.That(() => twin.Check(new WorkUnit("twin-1", UnitSettings.Write(Twin, new TwinSettings()), [A])), Throws.Nothing);
            Assert.That(() => sheet.Check(new WorkUnit("sheet-1", UnitSettings.Write(Sheet, new SheetSettings()), [A])), Throws.Nothing);
        }

        static void Refuses(IUnitKind kind, JsonObject settings, string said, params string[] inputs) =>
            Assert.That(() => kind.Check(new WorkUnit(kind.Name, settings, inputs)), Throws.TypeOf<UserException>().With.Message.Contains(said));
    }

    private UnitWorker Worker(UnitStore store) => new(store, new UnitKinds(new TwinKind(_devices), new SheetKind(_devices)));

    private (UnitStore Store, string Id) Enter(string folder, string kind, JsonObject settings)
    {
        var store = UnitStore.OpenOrCreate(TestFolder.New(folder));
        var unit = new WorkUnit(kind, settings, [store.Import(_base)]);
        store.Add(new UnitGraph([unit], [unit.Id]));
        return (store, unit.Id);
    }

    private sealed class Stop(CancellationTokenSource? cancel) : IProgress<UnitProgress>
    {
        public void Report(UnitProgress value)
        {
            if (value.Done > 0) cancel?.Cancel();
        }
    }
}
