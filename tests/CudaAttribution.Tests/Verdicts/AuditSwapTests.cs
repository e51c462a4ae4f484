using System.Text.Json.Nodes;
using CudaAttribution.Answers;
using CudaAttribution.Chain;
using CudaAttribution.Measures;
using CudaAttribution.Runs;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tests.World;
using CudaAttribution.Twins;
using CudaAttribution.Verdicts;

namespace CudaAttribution.Tests.Verdicts;

/// <summary>Audits that rest on a source and four twins: p ends at 1/5.</summary>
public sealed class AuditSwapTests
{
    private const int Twins = 4, Answers = 2;

    private ComputeDevice _device = null!;
    private TwinWorld _world = null!;
    private RunFolder _folder = null!;
    private TwinSet _set = null!;

    /// <summary>What no plan can have.</summary>
    public static SwapPlan NoTwins => new()
    {
        Twins = "", SourceReproduced = null, Count = 0, Prompts = 1, Answers = 1, NotAskable = [], Asked = [new(0, "prompt 0")],
    };

    [SetUp]
    public void Make()
    {
        _device = ComputeDevice.Open("cpu");
        _world = new TwinWorld(Twins + 1);
        _folder = new RunFolder(TestFolder.New("audit"));
        _set = _world.Save(_folder.Path(AuditPlaces.Twins));
    }

    [TearDown]
    public void Close() => _device.Dispose();

    [Test]
    public void EachSuspectIsJudgedByItself()
    {
        StoredModel[] suspects = [Of("first", 0), Of("second", 0), Of("twin's", 2)];
        var plan = Plan(suspects);
        var result = Run(plan, suspects);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Correction, Is.EqualTo(Correction.None));
            Assert.That(result.Suspects.Take(2).Select(s => s.PValue), Has.All.EqualTo(0.2), "as small as with four twins it can be");
            Assert.That(result.Suspects.Select(s => s.Verdict), Is.EqualTo(new[] { Verdict.Shown, Verdict.Shown, Verdict.NotShown }));
            Assert.That(result.Suspects.Select(s => s.Queries), Has.All.EqualTo(4 * Answers));
            Assert.That(result.Suspects[0].EValue, Is.Null);
            Assert.That(result.Controls, Is.Empty);
            Assert.That(FirstFault(), Is.Null);
        }
        // A level below 1/5 can show nothing, however few suspects.
        Assert.That(new AuditJudge(_folder.Root, plan with { Alpha = 0.19 }, Committed(), Measure).Judge().Suspects.Select(s => s.Verdict), Has.All.EqualTo(Verdict.NotShown));
    }

    [Test]
    public void PromptsThatASuspectCannotBeAskedAreNotChosen()
    {
        var all = AuditVerifier.SwapPrompts(_set, 4, [], Measure);
        Assert.That(AuditVerifier.SwapPrompts(_set, 99, [], Measure).Select(p => p.Number), Is.EquivalentTo(Enumerable.Range(0, 6)));
        int[] left = [all[0].Number, all[2].Number];
        var chosen = AuditVerifier.SwapPrompts(_set, 3, left, Measure);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(all, Has.Count.EqualTo(4));
            Assert.That(chosen, Has.Count.EqualTo(3));
            Assert.That(chosen.Take(2), Is.EqualTo(new[] { all[1], all[3] }), "the others keep their order");
            Assert.That(chosen.Select(p => p.Number).Intersect(left), Is.Empty);
            Assert.That(chosen.Select(p => p.Prompt), Is.EqualTo(chosen.Select(p => $"prompt {p.Number}")));
        }
        StoredModel[] suspects = [Of("first", 0)];
        var plan = Plan(suspects, left);
        Run(plan, suspects);
        Assert.That(FirstFault(), Is.Null);
        Assert.That(suspects[0].Asked.Select(q => q.Prompt).Distinct(), Is.EqualTo(plan.Swap!.Asked.Select(p => p.Prompt)));
        Assert.That(plan.Swap.Asked.Select(p => p.Number).Intersect(left), Is.Empty);
    }

    [Test]
    public void WhatThePlanSaysOfTheTwinsIsLookedAfter()
    {
        StoredModel[] suspects = [Of("first", 0)];
        var plan = Plan(suspects);
        var result = Run(plan, suspects);
        var swap = plan.Swap!;
        Forged(swap with { SourceReproduced = false }, "not the twins that the plan names");
        Forged(swap with { Count = 3 }, "not the twins that the plan names");
        Forged(swap with { Twins = new string('0', 64) }, "not the twins that the plan names");
        Forged(swap with { NotAskable = [swap.Asked[0].Number] }, "asks other prompts than its rule chooses");
        Forged(swap with { Asked = [.. swap.Asked.Skip(1)] }, "asks other prompts than its rule chooses");
        Forged(swap with { Prompts = 3 }, "asks other prompts than its rule chooses");

        void Forged(SwapPlan forged, string named)
        {
            Commit(plan with { Swap = forged });
            Seal(result);
            Assert.That(FirstFault(), Does.Contain(named));
        }
    }

    private IPictureMeasure Measure => new PixelDistance(_device);

    /// <summary>A suspect that learnt the pictures of a model.</summary>
    private StoredModel Of(string name, int model) =>
        new(name, _world.Prompts.Index().ToDictionary(p => p.Item, p => _world.Of(model, p.Index)[0]), 5) { Identity = CanonicalJson.Hash(name) };

    private AuditPlan Plan(IReadOnlyList<StoredModel> suspects, int[]? notAskable = null) => new()
    {
        Program = "test",
        KernelsSha256 = _device.Driver.Kernels.Hash,
        Source = new("source", _set.Models[0].Identity),
        Sampling = new(),
        Suspects = [.. suspects.Select(s => new PlannedSuspect(s.Name, s.Identity))],
        Controls = [],
        Primary = PrimaryTest.SourceSwap,
        Alpha = 0.2,
        Sequential = false,
        Unusable = 0.2,
        Seed = 3,
        Size = _world.Side,
        Measure = PixelDistance.MetricName,
        Swap = new()
        {
            Twins = _set.Root,
            SourceReproduced = _set.SourceReproduced,
            Count = Twins,
            Prompts = 4,
            Answers = Answers,
            NotAskable = notAskable ?? [],
            Asked = AuditVerifier.SwapPrompts(_set, 4, notAskable ?? [], Measure),
        },
    };

    private AuditResult Run(AuditPlan plan, IReadOnlyList<StoredModel> suspects)
    {
        Commit(plan);
        for (int i = 0; i < suspects.Count; i++)
        {
            var place = _folder.Folder(AuditPlaces.OfSuspect(plan, i));
            new AuditInterview(place, plan, Committed()).Ask(suspects[i], NoisePurpose.Testing, new(plan, plan.Suspects[i], null));
        }
        var result = new AuditJudge(_folder.Root, plan, Committed(), Measure).Judge();
        Seal(result);
        return result;
    }

    private void Commit(AuditPlan plan)
    {
        _folder.WriteJson(AuditPlan.FileName, plan);
        Commitment.To(Json.Read<JsonNode>(_folder.Path(AuditPlan.FileName), "plan")).Write(_folder);
    }

    private string Committed() => Commitment.Read(_folder.Root).Commit;

    private void Seal(AuditResult result)
    {
        _folder.WriteJson(AuditResult.FileName, result);
        AuditSeal.Of(_folder.Root).Write(_folder);
    }

    private string? FirstFault() => AuditVerifier.FirstFault(_folder.Root, _device);
}
