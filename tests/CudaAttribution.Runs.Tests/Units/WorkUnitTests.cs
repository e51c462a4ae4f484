using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using CudaAttribution.Runs.Units;

namespace CudaAttribution.Runs.Tests.Units;

public sealed class WorkUnitTests
{
    private static readonly string Input = new('a', WorkUnit.IdLength);

    [Test]
    public void The_id_is_the_hash_of_the_sorted_document_without_white_space()
    {
        var unit = new WorkUnit("draw-1", new JsonObject { ["steps"] = 20, ["guidance"] = 7.5, ["prompts"] = new JsonArray("é", "b") }, [Input]);
        string document = $$$"""
            {"inputs":["{{{Input}}}"],"kind":"draw-1","schema":"cudattr-unit-1","settings":{"guidance":7.5,"prompts":["é","b"],"steps":20}}
            """;
        Assert.That(unit.Id, Is.EqualTo(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(document)))));
    }

    [Test]
    public void No_settings_and_no_inputs_are_left_out()
    {
        const string Document = """{"kind":"draw-1","schema":"cudattr-unit-1"}""";
        Assert.That(
            new WorkUnit("draw-1", [], []).Id, Is.EqualTo(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Document)))));
    }

    [Test]
    public void The_id_depends_on_kind_settings_and_the_order_of_inputs_and_on_nothing_else()
    {
        string other = new('b', WorkUnit.IdLength);
        var settings = new JsonObject { ["a"] = 1, ["b"] = 2 };
        string id = new WorkUnit("draw-1", settings, [Input, other]).Id;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(new WorkUnit("draw-1", new JsonObject { ["b"] = 2, ["a"] = 1 }, [Input, other]).Id, Is.EqualTo(id));
            Assert.That(new WorkUnit("draw-2", settings, [Input, other]).Id, Is.Not.EqualTo(id));
            Assert.That(new WorkUnit("draw-1", new JsonObject { ["a"] = 1, ["b"] = 3 }, [Input, other]).Id, Is.Not.EqualTo(id));
            Assert.That(new WorkUnit("draw-1", settings, [other, Input]).Id, Is.Not.EqualTo(id));
        }
    }

    [Test]
    public void A_document_that_was_written_and_read_is_the_same_unit()
    {
        var unit = new WorkUnit("draw-1", new JsonObject { ["x"] = 0.1f, ["y"] = 1e300, ["z"] = null, ["w"] = 1.0 }, [Input]);
        Assert.That(WorkUnit.Parse(Json.Write(unit.Document()), "unit.json").Id, Is.EqualTo(unit.Id));
    }

    [Test]
    public void Settings_changed_afterwards_change_no_unit()
    {
        var settings = new JsonObject { ["a"] = 1 };
        var unit = new WorkUnit("draw-1", settings, []);
        settings["a"] = 2;
        unit.Settings["a"] = 3;
        Assert.That((int)unit.Settings["a"]!, Is.EqualTo(1));
    }

    [Test]
    public void Defaults_are_left_out_and_read_back()
    {
        var settings = UnitSettings.Write(new ChainSettings { Seed = 5 }, new ChainSettings());
        var unit = new WorkUnit("chain-1", settings, []);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(CanonicalJson.Write(settings), Is.EqualTo("""{"seed":5}"""));
            Assert.That(UnitSettings.Read<ChainSettings>(unit), Is.EqualTo(new ChainSettings { Seed = 5 }));
        }
    }

    [TestCase("""{"seed":"five"}""")]
    [TestCase("""{"sead":5}""")]
    public void Wrong_settings_are_refused(string settings) => Assert.That(
        () => UnitSettings.Read<ChainSettings>(new WorkUnit("chain-1", JsonNode.Parse(settings)!.AsObject(), [])),
        Throws.TypeOf<UserException>().With.Message.Contains("no settings of a unit of kind 'chain-1'"));

    [TestCase("leaf")]
    [TestCase("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    public void An_input_that_is_no_id_is_refused(string input) =>
        Assert.That(() => new WorkUnit("draw-1", [], [input]), Throws.TypeOf<UserException>().With.Message.Contains(input));

    [TestCase("""{"schema":"cudattr-unit-9","kind":"draw-1"}""", "cudattr-unit-9")]
    [TestCase("""{"schema":"cudattr-unit-1"}""", "kind")]
    [TestCase("""{"schema":"cudattr-unit-1","kind":"draw-1","device":"cpu"}""", "device")]
    public void A_document_of_another_form_is_refused(string text, string named) =>
        Assert.That(() => WorkUnit.Parse(text, "unit.json"), Throws.TypeOf<UserException>().With.Message.Contains(named));
}
