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
    public void Indications_need_a_name_and_numbers_with_sense()
    {
        using (Assert.EnterMultipleScope())
        {
            Allows(Attribute, A, A);
            Allows(Attribute with { WithInnocents = true }, A, A, A);
            Refuses(Attribute with { Suspect = "" }, "the suspect has no name", A, A);
            Refuses(Attribute with { Alpha = 0 }, "the alpha is 0", A, A);
            Refuses(Attribute with { IntervalLevel = 1 }, "the interval level is 1", A, A);
            Refuses(Attribute, "Give 2: the keys, the suspect.", A, A, A);
            Refuses(Attribute with { WithInnocents = true }, "Give 3: the keys, the scored innocents, the suspect.", A, A);
        }
    }

    [Test]
    public void A_log_needs_accounts_and_prompts()
    {
        var served = new ServedSettings { Accounts = [new("ada", 2)], Prompts = new DataSpec { Set = "emoji:twitter" } };
        using (Assert.EnterMultipleScope())
        {
            Allows(served, A);
            Refuses(served with { Prompts = null }, "names no prompts", A);
            Refuses(served with { Accounts = [] }, "there is none", A);
            Refuses(served with { Prompts = new DataSpec { Set = "." } }, "Give 2: the source, the data '.'.", A);
        }
    }

    [Test]
    public void Trials_and_what_is_measured_on_them_need_numbers_with_sense()
    {
        using (Assert.EnterMultipleScope())
        {
            Allows(new TrialsSettings(), A, A);
            Refuses(new TrialsSettings { Fresh = 0 }, "0 fresh pictures", A, A);
            Refuses(new TrialsSettings { Prompts = 0 }, "0 prompts", A, A);
            Refuses(new TrialsSettings { Prompts = 9, Pool = 8 }, "9 prompts of 8", A, A);
            Allows(new TrialsSettings { Prompts = 8, Pool = 8, Fresh = 1 }, A, A);
            Refuses(new TrialsSettings { Measure = "lpips" }, "unknown metric 'lpips'", A, A);
            Refuses(new TrialsSettings(), "Give 2: the source, the served log.", A);
            Allows(new DistancesSettings(), A, A);
            Refuses(new DistancesSettings { Measure = "lpips" }, "unknown metric 'lpips'", A, A);
            Refuses(new DistancesSettings(), "Give 2: the trials, the model.", A);
            Allows(new SwapSettings(), A, A);
            Refuses(new SwapSettings { Prompts = 0 }, "2 answers to 0 prompts", A, A);
            Refuses(new SwapSettings { Answers = 0 }, "0 answers to 64 prompts", A, A);
            Refuses(new SwapSettings { Measure = "lpips" }, "unknown metric 'lpips'", A, A);
            Refuses(new SwapSettings(), "Give 2: the source and its twins, the model.", A);
        }
    }

    [Test]
    public void An_unknown_setting_is_refused()
    {
        var settings = Write(Attribute);
        settings["sede"] = 4;
        Assert.That(
            () => new AttributeKind(Devices).Check(new WorkUnit("attribute-2", settings, [A, A])),
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
            ServedSettings => new ServedKind(Devices),
            TrialsSettings => new TrialsKind(Devices),
            DistancesSettings => new DistancesKind(Devices),
            SwapSettings => new SwapKind(Devices),
            _ => new AttributeKind(Devices),
        };
        kind.Check(new WorkUnit(kind.Name, Write(settings), inputs));
    }

    private static System.Text.Json.Nodes.JsonObject Write(object settings) => settings switch
    {
        KeysSettings k => UnitSettings.Write(k, new KeysSettings()),
        InnocentsSettings i => UnitSettings.Write(i, new InnocentsSettings()),
        ServedSettings s => UnitSettings.Write(s, new ServedSettings()),
        TrialsSettings t => UnitSettings.Write(t, new TrialsSettings()),
        DistancesSettings d => UnitSettings.Write(d, new DistancesSettings()),
        SwapSettings w => UnitSettings.Write(w, new SwapSettings()),
        AttributeSettings a => UnitSettings.Write(a, new AttributeSettings()),
        _ => throw new ArgumentException(settings.ToString()),
    };
}
