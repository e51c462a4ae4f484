using System.Text.Json;
using System.Text.Json.Nodes;

namespace CudaAttribution.Cli.Tests;

/// <summary><c>cudattr twins</c> of a source that <c>cudattr finetune</c> trained.</summary>
public sealed class TwinsTests
{
    /// <summary>None of them is the default, so that one that is lost on the way to a twin gives other bits.</summary>
    private static readonly string[] Recipe =
    [
        "--steps", "6", "--batch", "4", "--accumulate", "2", "--lr", "0.01", "--warmup", "2", "--weight-decay", "0.5", "--max-grad-norm", "0.01",
        "--caption-drop", "0.5", "--min-snr", "0.5", "--ema", "0.5", "--dtype", "BF16", "--checkpoint-every", "2",
    ];

    private static readonly TestFolder Folder = new();

    [OneTimeSetUp]
    public void Train()
    {
        Cudattr.Succeed(
            "train", "--preset", "nano", "--data", "emoji:google@0+12#1", "--steps", "2", "--batch", "4", "--device", "cpu", "--out", Folder["base"]);
        Finetune("source", []);
    }

    [OneTimeTearDown]
    public void Remove() => Folder.Dispose();

    /// <summary>What twins stand on: a twin with the source's seed is the source, bit for bit, whatever its recipe.</summary>
    [Test]
    public void A_twin_with_the_sources_seed_is_the_source()
    {
        Finetune("adapted", ["--lora-rank", "2", "--lora-alpha", "4"]);
        foreach (string source in (string[])["source", "adapted"])
        {
            string twins = Folder[$"{source}-twins"];
            var planned = Cudattr.Succeed([.. Plan(source, twins), "--json"]).Json;
            Assert.That(planned.GetProperty("trainings").GetInt32(), Is.EqualTo(3), "two twins, and the source again");
            Cudattr.KillWhen(() => Directory.Exists(twins) && Directory.EnumerateDirectories(twins, "step-*", SearchOption.AllDirectories).Any(), Train(twins));
            Assert.That(Endings(Cudattr.Succeed(Train(twins)).Json), Has.Some.EqualTo("computed"));
            Assert.That(Endings(Cudattr.Succeed([.. Train(twins), "--jobs", "2"]).Json), Is.EqualTo(["found", "found", "found"]));
            var drawn = Cudattr.Succeed("twins", "draw", twins, "--device", "cpu", "--json");
            using (Assert.EnterMultipleScope())
            {
                Assert.That(drawn.Json.GetProperty("source_reproduced").GetBoolean(), drawn.Error);
                Assert.That(drawn.Json.GetProperty("twins").GetInt32(), Is.EqualTo(2));
                var same = TestFolder.Contents(Folder[$"{source}/model"]);
                var trained = Directory.EnumerateDirectories(twins, "model", SearchOption.AllDirectories).Select(TestFolder.Contents).ToArray();
                Assert.That(trained.Count(t => t.Count == same.Count && same.All(f => t[f.Key] == f.Value)), Is.EqualTo(1), "every file of the model");
                Assert.That(trained, Has.Length.EqualTo(3));
                Assert.That(Directory.EnumerateFiles(Path.Combine(twins, "sheets")).Count(), Is.EqualTo(3));
                var set = JsonNode.Parse(File.ReadAllText(Path.Combine(twins, "twins.json")))!;
                Assert.That(set["design"]!["seeds"]!.ToJsonString(), Is.EqualTo("[6,7]"));
                Assert.That((string?)set["design"]!["statement"], Does.Contain("was not picked"));
            }
            // Nothing is computed again, and a picture that was lost is restored.
            File.Delete(Path.Combine(twins, "sheets/001-000.webp"));
            Assert.That(
                Cudattr.Succeed("twins", "draw", twins, "--device", "cpu").Output, Does.Contain($"root {drawn.Json.GetProperty("root").GetString()}"));
            Assert.That(File.Exists(Path.Combine(twins, "sheets/001-000.webp")));
        }
    }

    [Test]
    public void A_plan_says_what_it_takes_and_what_it_rests_on()
    {
        string output = Cudattr.Succeed(Plan("source", Folder["told"])).Output;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(output, Does.Contain("2 twins, seeds 6 to 7, and the source once more (seed 5): about 0 minutes by the source's own"));
            Assert.That(output, Does.Contain("48 pictures: 8 prompts x 2 of each of 3 models"));
            Assert.That(output, Does.Contain(
                """
                {"batch_size":4,"caption_drop":0.5,"checkpoint_interval":2,"ema_decay":0.5,"gradient_accumulation":2,"learning_rate":0.01,
                "max_gradient_norm":0.01,"min_snr_gamma":0.5,"steps":6,"warmup_steps":2,"weight_decay":0.5,"weight_type":"bf16"}
                """.ReplaceLineEndings("")));
            Assert.That(output, Does.Contain("emoji:openmoji shuffled by 1, 8 pictures from 0"));
            Assert.That(output, Does.Contain("The owner states that the source was not picked"));
        }
    }

    [Test]
    public void Prompts_of_a_file_are_drawn_in_place_of_the_captions()
    {
        string prompts = Folder.Write("prompts.txt", "red apple\n\n  blue car \n");
        Assert.That(Cudattr.Succeed([.. Plan("source", Folder["own"]), "--prompts", prompts]).Output, Does.Contain("12 pictures: 2 prompts x 2"));
        Folder.Write("twice.txt", "red apple\nred apple\n");
        Assert.That(
            Cudattr.Fail([.. Plan("source", Folder["twice"]), "--prompts", Folder["twice.txt"]]), Does.Contain("the prompt 'red apple' is there 2 times"));
    }

    [Test]
    public void A_source_without_a_manifest_must_be_described()
    {
        CopyModel("source", "bare");
        Assert.That(Cudattr.Fail(Plan("bare", Folder["a"])), Does.Contain("there is no manifest.json").And.Contain("State how it was trained: --data"));
        Assert.That(Cudattr.Fail([.. Plan("bare", Folder["a"]), "--data", "emoji:openmoji@0+8#1"]), Does.Contain("there is no manifest.json"));
        string[] stated = [.. Plan("bare", Folder["a"]), "--data", "emoji:openmoji@0+8#1", .. Recipe, "--source-seed", "5"];
        var plan = JsonNode.Parse(Planned(stated, "a"))!;
        var byManifest = JsonNode.Parse(Planned(Plan("source", Folder["b"]), "b"))!;
        foreach (var node in (JsonNode[])[plan, byManifest]) node["design"]!["source"]!["name"] = "one name for both";
        Assert.That(plan.ToJsonString(), Is.EqualTo(byManifest.ToJsonString()), "the same options give the same plan");

        static string Planned(string[] command, string folder)
        {
            Cudattr.Succeed(command);
            return File.ReadAllText(Path.Combine(Folder[folder], "plan.json"));
        }
    }

    [Test]
    public void What_the_source_was_not_trained_with_is_refused()
    {
        Cudattr.Succeed(
            "train", "--preset", "nano", "--data", "emoji:google@0+12#1", "--steps", "3", "--batch", "4", "--device", "cpu", "--out", Folder["other"]);
        CopyModel("other", "mixed");
        File.Copy(Folder["source/manifest.json"], Folder["mixed/manifest.json"]);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Cudattr.Fail(Plan("source", Folder["x"], g0: "other")), Does.Contain("the base model is not what the source was trained with"));
            Assert.That(Cudattr.Fail([.. Plan("source", Folder["x"]), "--data", "emoji:openmoji@0+8#2"]), Does.Contain("the data is not what"));
            Assert.That(Cudattr.Fail([.. Plan("source", Folder["x"]), "--steps", "7"]), Does.Contain("leave out --steps"));
            Assert.That(Cudattr.Fail(Plan("mixed", Folder["x"])), Does.Contain("not about the model beside it"));
            Assert.That(Cudattr.Fail([.. Plan("source", Folder["x"]), "--first-seed", "4"]), Does.Contain("a twin has the source's own seed 5"));
            Assert.That(Cudattr.Fail(Plan("source", Folder["x"], draws: "1")), Does.Contain("1 pictures of each prompt"));
            Assert.That(Cudattr.Fail(Plan("source", Folder["x"], count: "0")), Does.Contain("there is no twin"));
            Assert.That(Directory.Exists(Path.Combine(Folder["x"], "units")), Is.False, "nothing was imported");
        }
    }

    [Test]
    public void How_the_source_came_to_be_must_be_stated()
    {
        string[] plan = [.. Plan("source", Folder["y"]).Where(a => a != "--not-picked")];
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Cudattr.Fail(plan), Does.Contain("state --not-picked"));
            Assert.That(Cudattr.Fail([.. plan, "--picked-by", "best FID", "--tries", "5"]), Does.Contain("picked out of 5 models").And.Contain("each twin"));
            Assert.That(Cudattr.Fail([.. plan, "--not-picked", "--tries", "5"]), Does.Contain("contradict"));
        }
    }

    [Test]
    public void A_base_that_was_changed_as_it_was_read_has_no_twins()
    {
        CopyModel("source", "configured");
        var manifest = JsonNode.Parse(File.ReadAllText(Folder["source/manifest.json"]))!;
        manifest["command_line"]!.AsArray().Add("--config");
        manifest["command_line"]!.AsArray().Add("scheduler_config.json");
        Folder.Write("configured/manifest.json", manifest.ToJsonString());
        Assert.That(Cudattr.Fail(Plan("configured", Folder["z"])), Does.Contain("changed as it was read").And.Contain("cudattr convert"));
        manifest["command_line"]!.AsArray().Add("--no-such-option");
        Folder.Write("configured/manifest.json", manifest.ToJsonString());
        Assert.That(Cudattr.Fail(Plan("configured", Folder["z"])), Does.Contain("its command line cannot be read"));
    }

    [Test]
    public void A_folder_without_a_plan_is_named()
    {
        foreach (string command in (string[])["train", "draw"])
            Assert.That(Cudattr.Fail("twins", command, Folder["nowhere"]), Does.Contain("cannot read this plan of twins"));
        Assert.That(Cudattr.Run("twins", "train", Folder["nowhere"], "--jobs", "2", "--slurm").ExitCode, Is.EqualTo(2));
    }

    private static void Finetune(string name, string[] more) => Cudattr.Succeed(
        ["finetune", "--base", Folder["base"], "--data", "emoji:openmoji@0+8#1", .. Recipe, .. more, "--seed", "5", "--device", "cpu", "--out", Folder[name]]);

    private static string[] Plan(string source, string folder, string g0 = "base", string count = "2", string draws = "2") =>
    [
        "twins", "plan", "--source", Folder[source], "--base", Folder[g0], "--count", count, "--draws", draws, "--sample-steps", "2", "--guidance", "1",
        "--not-picked", "--device", "cpu", "--out", folder,
    ];

    private static string[] Train(string folder) => ["twins", "train", folder, "--device", "cpu", "--json"];

    private static string[] Endings(JsonElement units) => [.. units.EnumerateArray().Select(u => u.GetProperty("ending").GetString()!)];

    private static void CopyModel(string from, string to)
    {
        foreach (string file in Directory.EnumerateFiles(Folder[$"{from}/model"], "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(Folder[$"{to}/model"], Path.GetRelativePath(Folder[$"{from}/model"], file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target, overwrite: true);
        }
    }
}
