using System.Text.Json;
using CudaAttribution.Runs;

namespace CudaAttribution.Cli.Tests;

/// <summary><c>cudattr unit</c> on pictures of the shipped models.</summary>
public sealed class UnitTests
{
    private static readonly string Model = Path.Combine(AppContext.BaseDirectory, "models/source");

    [Test]
    public void A_plan_is_entered_run_by_processes_listed_shown_and_found_again()
    {
        using var work = new TestFolder();
        string store = work["store"], model = Cudattr.Succeed("unit", "import", Model, "--store", store).Output.Trim();
        string plan = work.Write("plan.json", Plan(model));
        var planned = Cudattr.Succeed("unit", "plan", plan, "--store", store, "--json").Json;
        string[] ids = [.. planned.GetProperty("results").EnumerateArray().Select(i => i.GetString()!)];
        Assert.That(States(store), Is.EqualTo(["planned", "planned", "planned"]));

        // One of them in this process, the others by two workers.
        Cudattr.Succeed("unit", "run", ids[0][..12], "--store", store, "--device", "cpu");
        string[] run = ["unit", "run", .. ids, "--store", store, "--jobs", "2", "--device", "cpu", "--json"];
        var ledger = new Dictionary<string, string> { ["CUDATTR_LEDGER"] = work["ledger.db"] };
        var result = Cudattr.Run(ledger, run);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.ExitCode, Is.Zero, result.Error);
            Assert.That(Endings(result.Json), Is.EqualTo(["found", "computed", "computed"]));
            Assert.That(Endings(Cudattr.Run(ledger, run).Json), Is.EqualTo(["found", "found", "found"]));
            Assert.That(States(store), Is.EqualTo(["finished", "finished", "finished"]));
            var rows = Cudattr.Run(ledger, "runs", "list", "--json").Json.EnumerateArray().ToArray();
            Assert.That(rows.Select(r => r.GetProperty("command").GetString()), Is.EqualTo(["unit draw-1", "unit draw-1", "unit draw-1"]));
        }

        // The same number of the same noise is the same picture, whoever draws it with what else.
        string[] last = Pictures(ids[2]);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(last, Has.Length.EqualTo(1));
            Assert.That(last[0], Is.EqualTo(Pictures(ids[0])[1]), "one worker alone, from number 1 on");
            Assert.That(last[0], Is.Not.EqualTo(Pictures(ids[1])[1]), "another seed");
        }

        Assert.That(Cudattr.Succeed("unit", "show", ids[1][..10], "--store", store).Output, Does.Contain("unchanged").And.Contain(model));
        File.AppendAllText(Path.Combine(ResultOf(ids[1]), "0000.png"), "!");
        var shown = Cudattr.Run("unit", "show", ids[1][..10], "--store", store);
        Assert.That(shown.ExitCode, Is.EqualTo(3));
        Assert.That(shown.Output, Does.Contain("CHANGED").And.Contain("0000.png"));

        string ResultOf(string id) => Path.Combine(store, "units", id[..2], id, "result");
        string[] Pictures(string id) => [.. Directory.EnumerateFiles(ResultOf(id), "*.png").Order(StringComparer.Ordinal).Select(RunFolder.HashFile)];
    }

    [Test]
    public void A_failing_unit_is_named_with_its_log_and_costs_no_other()
    {
        using var work = new TestFolder();
        string store = work["store"], noModel = work.Write("no-model.txt", "no model");
        string model = Cudattr.Succeed("unit", "import", Model, "--store", store).Output.Trim();
        string bad = Cudattr.Succeed("unit", "import", noModel, "--store", store).Output.Trim();
        string plan = work.Write("plan.json", $$"""
            {"units": {"bad": {{Draw(bad, 1)}}, "good": {{Draw(model, 1)}}}, "results": ["bad", "good"]}
            """);
        string[] ids = Cudattr.Succeed("unit", "plan", plan, "--store", store).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var result = Cudattr.Run(["unit", "run", .. ids, "--store", store, "--jobs", "2", "--device", "cpu"]);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.ExitCode, Is.EqualTo(1));
            Assert.That(result.Output, Does.Contain("2 units: 1 computed, 1 failed").And.Contain($"failed {ids[0]}").And.Contain("log.txt"));
            Assert.That(Cudattr.Succeed("unit", "show", ids[0], "--store", store).Output, Does.Contain("state     failed").And.Contain("reason"));
        }
    }

    [TestCase("{\"kind\": \"paint-1\"}", "no kind of unit is called 'paint-1'")]
    [TestCase("{\"kind\": \"draw-1\"}", "there is nothing to draw")]
    [TestCase("{\"kind\": \"draw-1\", \"settings\": {\"prompts\": [\"x\"]}}", "0 inputs were given")]
    [TestCase("{\"kind\": \"draw-1\", \"settings\": {\"prompts\": [\"x\"], \"colour\": 1}}", "colour")]
    [TestCase("{\"kind\": \"draw-1\", \"inputs\": [\"nobody\"]}", "made from 'nobody'")]
    public void A_plan_that_cannot_be_computed_is_refused_before_anything_is(string unit, string said)
    {
        using var work = new TestFolder();
        string plan = work.Write("plan.json", $$"""{"units": {"a": {{unit}}}, "results": ["a"]}""");
        Assert.That(Cudattr.Fail("unit", "plan", plan, "--store", work["store"]), Does.Contain(said));
        Assert.That(Directory.Exists(work["store"]), Is.False);
    }

    [Test]
    public void A_store_that_is_not_there_is_not_made_by_looking()
    {
        using var work = new TestFolder();
        foreach (string[] command in (string[][])[["list"], ["show", "abc"], ["run", "abc"]])
            Assert.That(Cudattr.Fail(["unit", .. command, "--store", work["store"]]), Does.Contain("no store of units"));
        Assert.That(Directory.Exists(work["store"]), Is.False);
    }

    [TestCase("a", "--jobs", "0")]
    [TestCase("a", "--jobs", "2", "--slurm")]
    [TestCase("a", "--sbatch=--gpus=1")]
    [TestCase("a", "b")]
    public void Options_that_do_not_go_together_are_wrong_usage(params string[] arguments) =>
        Assert.That(Cudattr.Run(["unit", "run", .. arguments, "--store", "nowhere"]).ExitCode, Is.EqualTo(2));

    private static string Plan(string model) =>
        $$"""{"units": {"a": {{Draw(model, 1)}}, "b": {{Draw(model, 2)}}, "c": {{Draw(model, 1, first: 1)}}}, "results": ["a", "b", "c"]}""";

    private static string Draw(string model, int seed, int first = 0) => JsonSerializer.Serialize(new
    {
        kind = "draw-1",
        settings = new { prompts = (string[])[.. new[] { "red apple", "blue car" }.Skip(first)], seed, first, sampling = new { steps = 3 } },
        inputs = new[] { model },
    });

    private static string[] States(string store) =>
        [.. Cudattr.Succeed("unit", "list", "--store", store, "--json").Json.EnumerateArray().Select(u => u.GetProperty("state").GetString()!)];

    private static string[] Endings(JsonElement units) => [.. units.EnumerateArray().Select(u => u.GetProperty("ending").GetString()!)];
}
