using CudaAttribution.Experiments.Units;
using CudaAttribution.Keys;
using CudaAttribution.Populations;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Units;

namespace CudaAttribution.Experiments.Tests.Units;

/// <summary>What the kinds of the method refuse before anything is computed.</summary>
public sealed class SettingsTests
{
    private static readonly string A = new('a', WorkUnit.IdLength);
    private static readonly KeysSettings Keys = new() { Data = new DataSpec { Set = "emoji:twitter" } };
    private static readonly InnocentsSettings Innocents = new() { Innocents = [new("i", InnocentFamily.RealOther, InnocentSplit.Null, "id")] };
    private static readonly AttributeSettings Attribute = new() { Suspect = "s" };
    private static readonly UnitDevices Devices = new(_ => throw new InvalidOperationException());

    [Test]
    public void Keys_need_rules_data_and_a_source()
    {
        using (Assert.EnterMultipleScope())
        {
            Allows(Keys, A);
            Allows(Keys with { Innocents = ["id"], Data = new DataSpec { Set = "." } }, A, A, A);
            Refuses(Keys with { Data = null }, "names no data", A);
            Refuses(Keys with { Metric = "lpips" }, "unknown metric 'lpips'", A);
            Refuses(Keys with { Selection = new KeySelectionOptions { Count = 0 } }, "number of keys is 0", A);
            Refuses(Keys with { Innocents = ["id"] }, "Give 2: the source, the innocent id.", A);
            Refuses(Keys, "0 inputs");
        }
    }

    [Test]
    public void Innocents_are_scored_that_did_not_shape_the_keys()
    {
        using (Assert.EnterMultipleScope())
        {
            Allows(Innocents, A, A);
            Refuses(Innocents, "Give 2: the keys, the innocent 'i'.", A);
            Refuses(new InnocentsSettings { Innocents = [Innocents.Innocents[0] with { Split = InnocentSplit.Sel }] }, "it is of split SEL", A, A);
        }
    }

    [Test]
    public void An_attribution_needs_a_name_and_numbers_with_sense()
    {
        using (Assert.EnterMultipleScope())
        {
            Allows(Attribute, A, A, A);
            Refuses(Attribute with { Suspect = "" }, "the suspect has no name", A, A, A);
            Refuses(Attribute with { Alpha = 0 }, "the alpha is 0", A, A, A);
            Refuses(Attribute with { IntervalLevel = 1 }, "the interval level is 1", A, A, A);
            Refuses(Attribute, "2 inputs were given to a unit of kind 'attribute-2'", A, A);
        }
    }

    [Test]
    public void An_unknown_setting_is_refused()
    {
        var settings = Write(Attribute);
        settings["sede"] = 4;
        Assert.That(
            () => new AttributeKind(Devices).Check(new WorkUnit("attribute-2", settings, [A, A, A])),
            Throws.TypeOf<UserException>().With.Message.Contains("sede"));
    }

    private static void Allows(object settings, params string[] inputs) => Assert.That(() => Check(settings, inputs), Throws.Nothing);

    private static void Refuses(object settings, string said, params string[] inputs) =>
        Assert.That(() => Check(settings, inputs), Throws.TypeOf<UserException>().With.Message.Contains(said));

    private static void Check(object settings, string[] inputs)
    {
        IUnitKind kind = settings switch
        {
            KeysSettings => new KeysKind(Devices),
            InnocentsSettings => new InnocentsKind(Devices),
            _ => new AttributeKind(Devices),
        };
        kind.Check(new WorkUnit(kind.Name, Write(settings), inputs));
    }

    private static System.Text.Json.Nodes.JsonObject Write(object settings) => settings switch
    {
        KeysSettings k => UnitSettings.Write(k, new KeysSettings()),
        InnocentsSettings i => UnitSettings.Write(i, new InnocentsSettings()),
        AttributeSettings a => UnitSettings.Write(a, new AttributeSettings()),
        _ => throw new ArgumentException(settings.ToString()),
    };
}
