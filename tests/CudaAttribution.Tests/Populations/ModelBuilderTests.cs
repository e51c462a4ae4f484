using System.Text.Json.Nodes;
using CudaAttribution.Data.Packs;
using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Files;
using CudaAttribution.Populations;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Units;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tests.World;

namespace CudaAttribution.Tests.Populations;

public class ModelBuilderTests
{
    private static readonly ModelPlan Source = new()
    {
        Name = "m", Role = ModelRole.Source, Rho = 0, Count = 8, Seed = 1,
        Training = new FineTuneRecipe { Steps = 4, BatchSize = 4, CheckpointInterval = 2 },
    };

    private readonly TestWorld _world = new();
    private ComputeDevice _device = null!;
    private FineTuner _tuner = null!;

    private ModelInputs Real => new() { Real = EmojiPack.Load("openmoji", 16).Take(8) };

    private ModelInputs Generated => new()
    {
        Source = _world.SourceModel(), PromptPool = [.. _world.Training.Items.Select(i => i.Caption)], Real = EmojiPack.Load("openmoji", 16).Take(8),
    };

    [OneTimeSetUp]
    public void Open()
    {
        _device = ComputeDevice.Open("cpu", "kernels");
        string g0 = TestFolder.New("g0");
        using (var model = DiffusionModel.Create(ModelPreset.Load("nano"), _world.Training.Items.Select(i => i.Caption), _device, 1)) model.Save(g0);
        _tuner = new FineTuner(_device, g0);
    }

    [OneTimeTearDown]
    public void Close() => _device.Dispose();

    [Test]
    public void An_account_without_a_log_is_refused() => Assert.That(
        () => Build(TestFolder.New("m"), Source with { Role = ModelRole.Suspect, Rho = 1, Account = "ada" }, Generated),
        Throws.TypeOf<UserException>().With.Message.Contains("there is no log"));

    [TestCase(ModelRole.Suspect, 0.5, null)]
    [TestCase(ModelRole.Source, 0.0, null)]
    [TestCase(ModelRole.Twin, 0.0, null)]
    [TestCase(ModelRole.Innocent, 0.0, InnocentFamily.RealOther)]
    [TestCase(ModelRole.Innocent, 1.0, InnocentFamily.Sibling)]
    [TestCase(ModelRole.Shadow, 1.0, null)]
    public void Every_role_is_built_once_and_leaves_the_same_files(ModelRole role, double rho, InnocentFamily? family)
    {
        string folder = TestFolder.New("m");
        var plan = Source with { Role = role, Rho = rho, RealFamily = family };
        var record = Build(folder, plan, Generated);
        string[] entries = [.. Directory.EnumerateFileSystemEntries(folder).Select(e => Path.GetFileName(e)).Order(StringComparer.Ordinal)];
        var progress = new List<UnitProgress>();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(record.Plan, Is.EqualTo(plan));
            Assert.That((record.Generated, record.Real), Is.EqualTo((plan.GeneratedCount, 8 - plan.GeneratedCount)));
            Assert.That(record.SourceIdentity, Is.EqualTo(rho > 0 ? "stored:source" : null));
            Assert.That(entries, Is.EqualTo(["losses.csv", "model", "plan.json", "suspect.json", "training"]));
            Assert.That(Build(folder, plan, Generated, progress.Add).Identity, Is.EqualTo(record.Identity));
            Assert.That(progress, Is.Empty, "what is finished is left as it is");
        }
    }

    [Test]
    public void A_twin_has_the_pictures_of_the_source_and_other_weights()
    {
        var source = Build(TestFolder.New("source"), Source, Real);
        var twin = Build(TestFolder.New("twin"), Source with { Role = ModelRole.Twin, Seed = 2 }, Real);
        Assert.That(twin.TrainingHash, Is.EqualTo(source.TrainingHash));
        Assert.That(twin.Identity, Is.Not.EqualTo(source.Identity));
    }

    [Test]
    public void A_build_that_was_cut_off_gives_the_model_of_one_that_was_not()
    {
        var whole = Build(TestFolder.New("whole"), Source, Real);
        string folder = TestFolder.New("cut");
        using var cancel = new CancellationTokenSource();
        cancel.Cancel();
        Assert.That(() => Build(folder, Source, Real, cancel: cancel.Token), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(File.Exists(Path.Combine(folder, ModelFiles.Record)), Is.False);
        Assert.That(Build(folder, Source, Real).Identity, Is.EqualTo(whole.Identity));
    }

    [Test]
    public void A_folder_of_another_role_is_refused()
    {
        string folder = TestFolder.New("m");
        Build(folder, Source, Real);
        Assert.That(
            () => Build(folder, Source with { Role = ModelRole.Twin }, Real),
            Throws.TypeOf<UserException>().With.Message.Contains("another run's twin: plan.role was \"source\", is \"twin\""));
    }

    [Test]
    public void A_record_without_a_role_is_a_suspects()
    {
        string folder = TestFolder.New("m");
        Build(folder, Source with { Role = ModelRole.Innocent, RealFamily = InnocentFamily.RealOther }, Real);
        var run = new RunFolder(folder);
        var older = JsonNode.Parse(File.ReadAllText(run.Path(ModelFiles.Record)))!;
        older["plan"]!.AsObject().Remove("role");
        run.Write(ModelFiles.Record, older.ToJsonString());
        Assert.That(ModelRecord.Load(folder).Plan.Role, Is.EqualTo(ModelRole.Suspect));
    }

    [Test]
    public void An_innocent_is_never_trained_on_the_owners_source()
    {
        var keys = _world.Keys();
        var sibling = Source with { Role = ModelRole.Innocent, Rho = 1, RealFamily = InnocentFamily.Sibling };
        Assert.That(
            () => Build(TestFolder.New("m"), sibling, Generated with { Keys = [keys] }),
            Throws.TypeOf<UserException>().With.Message.Contains("pictures of the owner's source"));
        Assert.DoesNotThrow(() => Build(TestFolder.New("s"), sibling, Generated with { Keys = [keys], Source = _world.Stranger("other source") }));
    }

    private ModelRecord Build(
        string folder, ModelPlan plan, ModelInputs inputs, Action<UnitProgress>? progress = null, CancellationToken cancel = default) =>
        new ModelBuilder(_tuner).Build(folder, plan, inputs, progress, cancel);
}
