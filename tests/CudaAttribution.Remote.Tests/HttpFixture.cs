using System.Text;
using System.Text.Json.Nodes;
using CudaAttribution.Answers;
using CudaAttribution.Models.Schedulers;
using CudaAttribution.Runs;
using CudaAttribution.Tests;

namespace CudaAttribution.Remote.Tests;

/// <summary>A description of a fake service, a folder, and a model that never really waits.</summary>
internal sealed class HttpFixture : IDisposable
{
    public const string TokenVariable = "CUDATTR_TEST_TOKEN";
    public const string Token = "s3cr&t+tok/en==\"quoted\"";
    public const int Size = 8;

    private readonly List<HttpModel> _models = [];

    static HttpFixture() => Environment.SetEnvironmentVariable(TokenVariable, Token);

    public HttpFixture(FakeService service, string folder = "run")
    {
        Folder = new RunFolder(TestFolder.New(folder));
        Description = (JsonObject)JsonNode.Parse(
            $$$"""
            {"schema": "cudattr-http-suspect-1", "preset": "openai-images", "url": "{{{service.Address}}}",
             "body_changes": {"model": "painter-2", "size": "{width}x{height}"},
             "headers": {"Authorization": {"env": "{{{TokenVariable}}}", "prefix": "Bearer "}},
             "limits": {"retries": 2, "backoff_seconds": 1, "timeout_seconds": 5, "cost_per_call": 0.5}}
            """)!;
    }

    /// <summary>The description, to be changed by a test.</summary>
    public JsonObject Description { get; }

    public JsonObject Limits => (JsonObject)Description["limits"]!;

    public RunFolder Folder { get; }

    public SamplingRecipe Sampling { get; set; } = new() { Steps = 4, Guidance = 2.5, Solver = SolverKind.DpmSolver };

    /// <summary>Every pause that was made, in seconds.</summary>
    public List<double> Pauses { get; } = [];

    /// <summary>Set to stop the next pause, as a kill would.</summary>
    public CancellationTokenSource Kill { get; set; } = new();

    public IReadOnlyList<QueryRecord> Journal => File.Exists(Folder.Path("queries.jsonl"))
        ? [.. File.ReadLines(Folder.Path("queries.jsonl")).Select(l => Json.Parse<QueryRecord>(l, "queries.jsonl", "journal"))]
        : [];

    public static IReadOnlyList<Query> Queries(int count, ulong seed = 5) =>
        [.. Enumerable.Range(0, count).Select(i => new NoiseStream(NoisePurpose.Testing, seed, "x").Ask($"prompt {i}", i))];

    public HttpService Service()
    {
        string file = Path.Combine(TestFolder.New("description"), "http.json");
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, Description.ToJsonString());
        return HttpService.Load(file);
    }

    public HttpModel Model(IReadOnlyList<string>? decoys = null)
    {
        var model = new HttpModel(Service(), new HttpModelOptions
        {
            Folder = Folder,
            Width = Size,
            Height = Size,
            Sampling = Sampling,
            DecoyPool = decoys ?? [],
            Pause = (time, cancel) =>
            {
                Pauses.Add(time.TotalSeconds);
                cancel.ThrowIfCancellationRequested();
            },
        });
        _models.Add(model);
        return model;
    }

    public IReadOnlyList<Answer> Ask(int count = 3, IReadOnlyList<string>? decoys = null) => Model(decoys).Generate(Queries(count), Kill.Token);

    public string Fails(int count = 3) => Assert.Throws<UserException>(() => Ask(count))!.Message;

    /// <summary>The text of everything the run wrote.</summary>
    public string Written => string.Concat(
        Directory.EnumerateFiles(Folder.Root, "*", SearchOption.AllDirectories).Select(f => Encoding.Latin1.GetString(File.ReadAllBytes(f))));

    public void Dispose()
    {
        foreach (var model in _models) model.Dispose();
        Kill.Dispose();
    }
}
