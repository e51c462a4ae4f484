using System.Text.Json;
using System.Text.Json.Nodes;
using CudaAttribution.Experiments.Plans;
using CudaAttribution.Experiments.Units;
using CudaAttribution.Populations;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Units;

namespace CudaAttribution.Experiments.Tests.Plans;

/// <summary>What stands in the ids of the demo's units: all that decides a bit of them.</summary>
public sealed class DemoPlanTests
{
    // Every setting has a value, and none the default that files leave out.
    private static readonly DemoRecipe Recipe = TinyModels.Recipe with
    {
        Sampling = TinyModels.Recipe.Sampling with { NegativePrompt = "grey", Tile = 64 },
        Keys = TinyModels.Recipe.Keys with { Candidates = 9, MaxDispersion = 0.5, MaxInnocentPaired = 0.5, PairedCount = 3 },
        Training = TinyModels.Recipe.Training with { GradientAccumulation = 2, ActivationCheckpointing = true },
    };

    private static readonly UnitEngine Engine = new("onednn", "onednn 3.1 avx2, threads: 2", "a processor");

    [Test]
    public void Every_number_of_the_recipe_stands_in_an_id()
    {
        string[] before = Ids(Recipe);
        var leaves = Leaves(JsonSerializer.SerializeToNode(Recipe, Json.Options)!).ToArray();
        // What a folder is called decides nothing, its content does. The seed of the keys is the run's. The audit is no unit, but its level is that of the
        // indications too.
        string[] elsewhere =
        [
            "schema", "base", "source", "twins", "keys.seed", "keys.effective_draws", "audit.fresh", "audit.prompts", "audit.swap_prompts", "audit.swap_answers",
        ];
        Assert.That(leaves, Has.Length.GreaterThan(60));
        using (Assert.EnterMultipleScope())
        {
            foreach (string leaf in leaves)
            {
                var changed = JsonSerializer.SerializeToNode(Recipe, Json.Options)!;
                if (!Change(changed, leaf)) continue;
                Assert.That(Ids(changed.Deserialize<DemoRecipe>(Json.Options)!).SequenceEqual(before), Is.EqualTo(elsewhere.Contains(leaf)), leaf);
            }
        }
    }

    [Test]
    public void Seed_engine_and_contents_stand_in_the_ids()
    {
        var contents = Contents(Recipe);
        string[] before = Ids(Recipe);
        using (Assert.EnterMultipleScope())
        {
            Differ(Ids(Recipe, seed: 4), [0, 1, 2, 3, 4, 5, 6, 7], "seed");
            Differ(Ids(Recipe, engine: Engine), [0, 1, 2, 3, 4, 5, 6, 7], "engine");
            Assert.That(Ids(Recipe, engine: Engine), Is.Not.EqualTo(Ids(Recipe, engine: Engine with { Library = "onednn 3.2 avx2, threads: 2" })));
            Differ(Ids(Recipe, contents with { Source = Id("other") }), [0, 1, 2, 3, 4, 5, 6, 7], "source");
            Differ(Ids(Recipe, contents with { Base = Id("other") }), [2, 3, 4, 5, 6, 7], "base");
        }

        void Differ(string[] after, int[] where, string what) =>
            Assert.That(Enumerable.Range(0, before.Length).Where(i => before[i] != after[i]), Is.EqualTo(where), what);
    }

    [Test]
    public void What_does_not_decide_a_unit_does_not_stand_in_its_id()
    {
        string[] before = Ids(Recipe);
        var suspects = Recipe.Suspects.ToArray();
        using (Assert.EnterMultipleScope())
        {
            Same(Recipe with { Audit = Recipe.Audit with { Alpha = 0.05 } }, [0, 1, 2, 3, 4]);
            Same(Recipe with { Accounts = [new("ada", 13), new("ben", 8)] }, [1, 4, 7]);
            Same(Recipe with { Training = Recipe.Training with { Steps = 9 } }, [0, 1, 4, 7]);
            Same(Recipe with { Suspects = [suspects[0], suspects[1] with { Count = 11 }, suspects[2]] }, [0, 1, 2, 4, 5, 7]);
            // Other keys are other models, since their record has the overlap; the sampling itself is nothing to a model of real pictures.
            Same(Recipe with { Sampling = Recipe.Sampling with { Steps = 3 } }, []);
            Same(Recipe with { Base = "elsewhere", Source = "elsewhere", Twins = "elsewhere" }, [0, 1, 2, 3, 4, 5, 6, 7]);
        }

        void Same(DemoRecipe recipe, int[] where)
        {
            string[] after = Ids(recipe);
            Assert.That(Enumerable.Range(0, before.Length).Where(i => before[i] == after[i]), Is.EqualTo(where));
        }
    }

    [Test]
    public void Suspects_of_one_name_are_refused() => Assert.That(
        () => Ids(Recipe with { Suspects = [Recipe.Suspects[0], Recipe.Suspects[0]] }),
        Throws.TypeOf<UserException>().With.Message.Contains("2 suspects are called 'all'"));

    [Test]
    public void The_kinds_have_nothing_against_the_plan_and_something_against_a_missing_input()
    {
        using var devices = new UnitDevices(_ => throw new InvalidOperationException("planning computes nothing"));
        var kinds = ExperimentKinds.All(devices);
        var units = DemoPlan.Of(Recipe, 3, Contents(Recipe), null).Resolve().Units;
        using (Assert.EnterMultipleScope())
        {
            foreach (var unit in units)
            {
                Assert.That(() => kinds.Of(unit), Throws.Nothing);
                var fewer = new WorkUnit(unit.Kind, unit.Settings, [.. unit.Inputs.SkipLast(1)]);
                Assert.That(() => kinds.Of(fewer), Throws.TypeOf<UserException>().With.Message.Contains($"{fewer.Inputs.Count} inputs were given"));
            }
        }
    }

    private static string[] Ids(DemoRecipe recipe, DemoContents? contents = null, ulong seed = 3, UnitEngine? engine = null) =>
        [.. DemoPlan.Of(recipe, seed, contents ?? Contents(recipe), engine).Resolve().Results];

    private static DemoContents Contents(DemoRecipe recipe) => new()
    {
        Base = Id("base"),
        Source = Id("source"),
        Data = recipe.Suspects.Select(s => s.Real).OfType<DataSpec>().Append(recipe.SourceData).Distinct()
            .ToDictionary(d => d, d => new UnitData(d, null)),
    };

    private static string Id(string content) => CanonicalJson.Hash(content);

    private static IEnumerable<string> Leaves(JsonNode? node, string path = "") => node switch
    {
        JsonObject o => o.SelectMany(p => Leaves(p.Value, path.Length == 0 ? p.Key : $"{path}.{p.Key}")),
        JsonArray a => a.SelectMany((item, i) => Leaves(item, $"{path}.{i}")),
        null => [],
        _ => [path],
    };

    /// <summary>Changes a value to another of its type; false where it cannot be chosen.</summary>
    private static bool Change(JsonNode document, string path)
    {
        string[] names = path.Split('.');
        var parent = names.SkipLast(1).Aggregate(document, (node, name) => node is JsonArray a ? a[int.Parse(name)]! : node[name]!);
        string last = names[^1];
        var value = parent[last]!;
        JsonNode? other = (last, value.GetValueKind()) switch
        {
            ("generated_count" or "effective_draws", _) => null,
            ("strategy", _) => "detect",
            ("family", _) => "real-same",
            ("solver", _) => "euler",
            ("weight_type", _) => "F16",
            ("rho", _) => 0.25,
            (_, JsonValueKind.True or JsonValueKind.False) => value.GetValueKind() == JsonValueKind.False,
            (_, JsonValueKind.Number) => value.ToJsonString().Contains('.') ? value.GetValue<double>() / 2 : value.GetValue<long>() + 1,
            (_, JsonValueKind.String) => value.GetValue<string>() + "x",
            _ => throw new InvalidOperationException(path),
        };
        if (other is null) return false;
        parent[last] = other;
        return true;
    }
}
