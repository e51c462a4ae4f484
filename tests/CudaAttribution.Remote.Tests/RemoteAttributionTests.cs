using System.Text.Json.Nodes;
using CudaAttribution.Evidence;
using CudaAttribution.Reports;
using CudaAttribution.Runs;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tests.World;
using Microsoft.AspNetCore.Http;

namespace CudaAttribution.Remote.Tests;

/// <summary>A service examined like a model: the same figures, and a folder that says that it was one.</summary>
public sealed class RemoteAttributionTests
{
    private readonly TestWorld _world = new();

    [Test]
    public void AServiceIsCountedByItsAnswersAndNamedForWhatItIs()
    {
        var keys = _world.Keys();
        var nulls = _world.Null(keys);
        using var service = new FakeService(_world.Source);
        using var http = new HttpFixture(service);
        service.Next(FakeService.Status(400, """{"error": {"code": "moderation_blocked"}}"""), FakeService.Status(500));
        http.Description["decoys_per_key"] = 1;
        http.Description["query"] = new JsonObject { ["session"] = new JsonObject { ["env"] = HttpFixture.TokenVariable } };
        using var device = ComputeDevice.Open("cpu", "kernels");
        var model = http.Model([.. Enumerable.Range(0, 40).Select(i => $"decoy {i}")]);
        var run = new Attributor(Fixtures.Distance).Run(keys, model, nulls, new AttributionOptions { Seed = 7 });
        var recorder = RecordedRun.On(device, "attribute", ["cudattr", "attribute"], 7);
        var manifest = AttributionFolder.Write(http.Folder, run, recorder, []);

        int refusedKeys = http.Journal[0].Kind == QueryKind.Key ? 1 : 0;
        Assert.That(run.Result.Published, Has.Property("Accuses").True);
        Assert.That(run.Result.Conf.Count, Is.EqualTo(30 - refusedKeys));
        Assert.That(run.Result.Failures, Is.EqualTo(refusedKeys));
        Assert.That(run.Result.SuspectIdentity, Does.StartWith("http:"));
        var remote = run.Result.Remote!;
        Assert.That(remote, Has.Property("Preset").EqualTo("openai-images").And.Property("Path").EqualTo("/v1/images/generations"));
        Assert.That(remote, Has.Property("Calls").EqualTo(61).And.Property("Retries").EqualTo(1).And.Property("Refusals").EqualTo(1));
        Assert.That(remote, Has.Property("Decoys").EqualTo(30).And.Property("Cost").EqualTo(30m).And.Property("Host").EqualTo(service.Address));
        Assert.That(manifest.Remote, Is.EqualTo(remote));
        Assert.That(manifest.Outputs.Keys, Is.SupersetOf(new[] { "queries.jsonl", "query-plan.json", "queries/decoy-000.png" }));
        Assert.That(Json.Write(AttributionResult.Load(http.Folder.Path("result.json"))), Is.EqualTo(Json.Write(run.Result)));
        string report = File.ReadAllText(http.Folder.Path("report.html"));
        Assert.That(report, Does.Contain("The service that was asked").And.Contain("61, of which 1 were retries").And.Contain("1 refusals"));
        Assert.That(report, Does.Contain("its weights are not known").And.Contain("asks nothing"));
        Assert.That(http.Written, Does.Not.Contain("s3cr").And.Not.Contain("tok/en").And.Not.Contain("tok%2Fen"));

        string before = File.ReadAllText(http.Folder.Path("result.json"));
        int asked = service.Received.Count;
        var again = new Attributor(Fixtures.Distance).Run(
            keys, http.Model([.. Enumerable.Range(0, 40).Select(i => $"decoy {i}")]), nulls, new AttributionOptions { Seed = 7 });
        Assert.That(Json.Write(again.Result), Is.EqualTo(before));
        Assert.That(service.Received, Has.Count.EqualTo(asked));
    }

    [Test]
    public void AServiceThatAnswersNothingUsableGetsNoP()
    {
        var keys = _world.Keys();
        var nulls = _world.Null(keys);
        using var service = new FakeService(_world.Source);
        using var http = new HttpFixture(service);
        http.Limits["retries"] = 0;
        service.Next([.. Enumerable.Repeat<Func<HttpContext, Task>>(FakeService.Body("<html><title>Sign in</title></html>"), keys.Keys.Count / 2)]);
        using var device = ComputeDevice.Open("cpu", "kernels");
        var run = new Attributor(Fixtures.Distance).Run(keys, http.Model(), nulls, new AttributionOptions { Seed = 7 });
        Assert.That(run.Result.Indications.Select(i => i.PValue), Is.All.Null);
        Assert.That(run.Result.Conf.WithoutP, Does.Contain("are unusable").And.Contain("most often: an HTML page instead of a picture: \"Sign in\""));
        Assert.That(run.Result.Unusable, Has.Property("Unusable").EqualTo(keys.Keys.Count / 2).And.Property("Planned").EqualTo(0.2));
        AttributionFolder.Write(http.Folder, run, RecordedRun.On(device, "attribute", ["cudattr", "attribute"], 7), []);
        Assert.That(Json.Write(AttributionResult.Load(http.Folder.Path("result.json"))), Is.EqualTo(Json.Write(run.Result)));
        Assert.That(File.ReadAllText(http.Folder.Path("report.html")), Does.Contain("No p-values").And.Contain("HTML page instead of a picture"));
    }

    [Test]
    public void ALocalResultSaysNothingOfServices()
    {
        var keys = _world.Keys();
        var run = new Attributor(Fixtures.Distance).Run(keys, _world.Stranger("s"), _world.Null(keys), new AttributionOptions());
        Assert.That(Json.Write(run.Result), Does.Not.Contain("remote"));
    }
}
