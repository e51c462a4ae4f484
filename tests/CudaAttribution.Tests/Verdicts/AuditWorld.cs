using System.Text.Json.Nodes;
using CudaAttribution.Answers;
using CudaAttribution.Chain;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Images;
using CudaAttribution.Measures;
using CudaAttribution.Runs;
using CudaAttribution.Served;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tests.World;
using CudaAttribution.Verdicts;

namespace CudaAttribution.Tests.Verdicts;

/// <summary>
/// An audit without training: the source disturbs one picture a prompt, a log holds what it served, a copier gives served pictures back, a stranger gives
/// what it always did.
/// </summary>
internal sealed class AuditWorld : IDisposable
{
    public const int Fresh = 4, Seed = 7;

    private readonly TestWorld _world = new();
    private readonly ComputeDevice _device = ComputeDevice.Open("cpu");

    /// <param name="name">Name of the folders.</param>
    /// <param name="prompts">Served prompts.</param>
    /// <param name="accounts">Whose turn it was to be served; empty where the log does not say.</param>
    /// <param name="servedBy">What served the log; null is the source.</param>
    public AuditWorld(string name, int prompts = 20, string[]? accounts = null, IImageModel? servedBy = null)
    {
        Folder = new RunFolder(TestFolder.New(name));
        Source = Model("source", _world.Source, 40);
        var noise = new NoiseStream(NoisePurpose.TrainingData, 99, "customer");
        string log = TestFolder.New(name + "-log");
        var place = new RunFolder(log);
        var lines = new List<string> { accounts is null ? "prompt\tpicture" : "prompt\tpicture\taccount" };
        for (int i = 0; i < prompts; i++)
        {
            string prompt = _world.Training.Items[i].Caption;
            var picture = (servedBy ?? Source).Generate([noise.Ask(prompt, i)])[0].Image!;
            Served.Add(prompt, picture);
            place.WriteImage($"{i}.png", picture);
            lines.Add($"{prompt}\t{i}.png" + (accounts is null ? "" : "\t" + accounts[i % accounts.Length]));
        }
        place.Write(ServedLog.TableFile, string.Join('\n', lines) + "\n");
        Log = ServedLogReader.Read(log);
    }

    public RunFolder Folder { get; }

    public ServedLog Log { get; }

    public StoredModel Source { get; }

    /// <summary>The served picture of each prompt.</summary>
    public Dictionary<string, RgbImage> Served { get; } = [];

    /// <summary>A model that learned served pictures by heart.</summary>
    public StoredModel Copier(string name = "copier") => Model(name, Served, 10);

    /// <summary>A model of the same kind as the source that was never served.</summary>
    public StoredModel Stranger(string name = "stranger") => Model(name, _world.Source, 40);

    public StoredModel Model(string name, IReadOnlyDictionary<string, RgbImage> pictures, int amplitude) => new(name, pictures, amplitude)
    {
        Identity = CanonicalJson.Hash(name),
    };

    public AuditPlan Plan(IReadOnlyList<StoredModel> suspects, bool sequential = false, int prompts = 20)
    {
        using var store = AnswerStore.InMemory();
        var pool = TrialPool.Draw(Folder.Folder(AuditPlaces.Trials), Log, _ => true, Source, Fresh, most: 30, Seed, store);
        double[] spreads = [.. Enumerable.Range(0, pool.Trials.Count).Select(i => TrialChoice.Spread(pool.Pictures(i), new PixelDistance(_device)))];
        return new()
        {
            Program = "test",
            KernelsSha256 = _device.Driver.Kernels.Hash,
            Source = new(Source.Name, Source.Identity),
            Sampling = new(),
            Suspects = [.. suspects.Select(s => new PlannedSuspect(s.Name, s.Identity))],
            Controls = [new("the source", Source.Identity)],
            Primary = PrimaryTest.ServedVersusFresh,
            Alpha = 0.01,
            Sequential = sequential,
            Unusable = 0.2,
            Seed = Seed,
            Size = TestWorld.Size,
            Measure = PixelDistance.MetricName,
            Served = new()
            {
                Log = ServedLogCommitment.Tree(Log.Pictures).Root,
                Entries = Log.Pictures.Count,
                SeedsKnown = Log.SeedsKnown,
                CompleteLog = true,
                Fresh = Fresh,
                Prompts = prompts,
                Trials = pool.Trials,
                Asked = TrialChoice.Widest([.. pool.Trials.Select(t => t.Account)], spreads, prompts),
            },
        };
    }

    /// <summary>Commits to a plan.</summary>
    public string Commit(AuditPlan plan)
    {
        Folder.WriteJson(AuditPlan.FileName, plan);
        var commitment = Commitment.To(Json.Read<JsonNode>(Folder.Path(AuditPlan.FileName), "plan"));
        commitment.Write(Folder);
        return commitment.Commit;
    }

    /// <summary>Asks the control and one suspect after another.</summary>
    public void Ask(AuditPlan plan, string commit, IReadOnlyList<IImageModel> suspects)
    {
        Interview(AuditPlaces.OfControl(plan, 0)).Ask(Source, NoisePurpose.Control, new(plan, null, null));
        for (int i = 0; i < suspects.Count; i++)
            Interview(AuditPlaces.OfSuspect(plan, i)).Ask(suspects[i], NoisePurpose.Testing, new(plan, plan.Suspects[i], Judge(plan, commit).Examiner()));

        AuditInterview Interview(string place) => new(Folder.Folder(place), plan, commit);
    }

    public AuditJudge Judge(AuditPlan plan, string commit) => new(Folder.Root, plan, commit, new PixelDistance(_device));

    /// <summary>A whole audit, sealed.</summary>
    public (AuditPlan Plan, string Commit, AuditResult Result) Run(IReadOnlyList<StoredModel> suspects, bool sequential = false, int prompts = 20)
    {
        var plan = Plan(suspects, sequential, prompts);
        string commit = Commit(plan);
        Ask(plan, commit, suspects);
        var result = Judge(plan, commit).Judge();
        Seal(result);
        return (plan, commit, result);
    }

    public void Seal(AuditResult result)
    {
        Folder.WriteJson(AuditResult.FileName, result);
        AuditSeal.Of(Folder.Root).Write(Folder);
    }

    public string? FirstFault(string? commit = null) => AuditVerifier.FirstFault(Folder.Root, _device, commit);

    public void Dispose() => _device.Dispose();
}
