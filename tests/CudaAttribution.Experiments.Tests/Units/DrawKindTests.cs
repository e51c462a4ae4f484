using CudaAttribution.Answers;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Experiments.Units;
using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Files;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Units;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tests;

namespace CudaAttribution.Experiments.Tests.Units;

public sealed class DrawKindTests
{
    private static readonly string[] Prompts = ["red apple", "blue car", "cat"];

    private static readonly DrawSettings Settings = new()
    {
        Prompts = Prompts, Seed = 7, First = 2, Purpose = NoisePurpose.NullScoring, Sampling = new SamplingRecipe { Steps = 2, Guidance = 1 },
    };

    [Test]
    public void A_unit_draws_what_the_model_answers_also_after_it_was_cut_off()
    {
        string folder = TestFolder.New("model");
        using (var device = ComputeDevice.Open("cpu", "kernels"))
        using (var made = DiffusionModel.Create(ModelPreset.Load("nano"), Prompts, device, 1))
            made.Save(folder);
        var store = UnitStore.OpenOrCreate(TestFolder.New("store"));
        string id = Enter(store, Settings, store.Import(folder));
        using var devices = new UnitDevices(math => ComputeDevice.Open("cpu", math));
        var worker = new UnitWorker(store, new UnitKinds(new DrawKind(devices)));
        using var cancel = new CancellationTokenSource();
        Assert.That(() => worker.Run(id, new CancelWhenTold(cancel), cancel.Token), Throws.InstanceOf<OperationCanceledException>());
        string partial = Directory.EnumerateDirectories(store.FolderOf(id), "partial-*").Single();
        // A picture that an earlier attempt left is kept as it is.
        File.WriteAllBytes(Path.Combine(partial, "0001.png"), [1, 2, 3]);
        worker.Run(id, new CancelWhenTold(null));

        using var onDevice = ComputeDevice.Open("cpu", "kernels");
        using var model = LocalModel.Open(folder, onDevice, Settings.Sampling);
        var answers = model.Generate(
            [.. Prompts.Select((p, i) => new Query(p, new NoiseId(NoisePurpose.NullScoring, model.Identity, 7, 2 + i)))]);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(store.ManifestOf(id).Outputs.Keys, Is.EqualTo(["0000.png", "0001.png", "0002.png"]));
            Assert.That(File.ReadAllBytes(Path.Combine(store.ResultOf(id), "0001.png")), Is.EqualTo(new byte[] { 1, 2, 3 }));
            foreach (int i in (int[])[0, 2])
                Assert.That(PictureFiles.Read(Path.Combine(store.ResultOf(id), $"000{i}.png")).Pixels, Is.EqualTo(answers[i].Image!.Pixels));
        }
    }

    [Test]
    public void Settings_without_sense_are_refused()
    {
        using var devices = new UnitDevices(_ => throw new InvalidOperationException());
        var kind = new DrawKind(devices);
        string model = new('a', WorkUnit.IdLength);
        using (Assert.EnterMultipleScope())
        {
            Refuses(Settings with { Prompts = [] }, "nothing to draw", model);
            Refuses(Settings with { First = -1 }, "number -1", model);
            Refuses(Settings, "0 inputs");
            Refuses(Settings, "2 inputs", model, model);
            Assert.That(() => kind.Check(Unit(Settings, model)), Throws.Nothing);
        }

        void Refuses(DrawSettings settings, string said, params string[] inputs) =>
            Assert.That(() => kind.Check(Unit(settings, inputs)), Throws.TypeOf<UserException>().With.Message.Contains(said));
    }

    private static WorkUnit Unit(DrawSettings settings, params string[] inputs) =>
        new("draw-1", UnitSettings.Write(settings, new DrawSettings()), inputs);

    private static string Enter(UnitStore store, DrawSettings settings, string model)
    {
        var unit = Unit(settings, model);
        store.Add(new UnitGraph([unit], [unit.Id]));
        return unit.Id;
    }

    private sealed class CancelWhenTold(CancellationTokenSource? cancel) : IProgress<UnitProgress>
    {
        public void Report(UnitProgress value) => cancel?.Cancel();
    }
}
