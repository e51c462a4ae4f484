using System.Text.Json.Nodes;
using CudaAttribution.Populations;
using CudaAttribution.Runs;

namespace CudaAttribution.Tests.Populations;

public class ModelPlanTests
{
    private static readonly ModelPlan Suspect = new() { Name = "m", Rho = 0.5, Count = 10 };
    private static readonly ModelPlan Innocent = new()
    {
        Name = "m", Role = ModelRole.Innocent, Rho = 0, Count = 10, RealFamily = InnocentFamily.RealSame,
    };

    [TestCase(ModelRole.Suspect, 0.5, PromptRegime.Forced, null)]
    [TestCase(ModelRole.Shadow, 0.0, PromptRegime.Disjoint, InnocentFamily.RealOther)]
    [TestCase(ModelRole.Source, 0.0, PromptRegime.Natural, null)]
    [TestCase(ModelRole.Twin, 0.0, PromptRegime.Natural, null)]
    [TestCase(ModelRole.Innocent, 0.0, PromptRegime.Natural, InnocentFamily.RealOwn)]
    [TestCase(ModelRole.Innocent, 0.0, PromptRegime.Natural, InnocentFamily.Twin)]
    [TestCase(ModelRole.Innocent, 1.0, PromptRegime.Natural, InnocentFamily.Sibling)]
    public void What_a_role_is_for_is_allowed(ModelRole role, double rho, PromptRegime regime, InnocentFamily? family) =>
        Assert.DoesNotThrow(() => (Suspect with { Role = role, Rho = rho, Regime = regime, RealFamily = family }).Validate());

    [Test]
    public void A_source_and_its_twin_are_trained_on_real_pictures_only([Values(ModelRole.Source, ModelRole.Twin)] ModelRole role)
    {
        var plan = Suspect with { Role = role, Rho = 0 };
        string name = role.ToString().ToLowerInvariant();
        using (Assert.EnterMultipleScope())
        {
            Refused(plan with { Rho = 0.1 }, $"the {name} 'm' has a share rho of 0.1");
            Refused(plan with { Regime = PromptRegime.Forced }, "prompts of the regime forced");
            Refused(plan with { RealFamily = InnocentFamily.RealOwn }, "names a family");
        }
    }

    [Test]
    public void An_innocent_has_a_family_that_fits_its_pictures()
    {
        using (Assert.EnterMultipleScope())
        {
            Refused(Innocent with { RealFamily = InnocentFamily.Twin, Rho = 0.5 }, "is no sibling and has a share rho of 0.5");
            Refused(Innocent with { SourceGuidance = 3 }, "the guidance of a source that it has no pictures of");
            Refused(Innocent with { RealFamily = null }, "the innocent 'm' names no family");
            Refused(Innocent with { RealFamily = InnocentFamily.Untouched }, "is untouched");
            Refused(Innocent with { Rho = 0.5 }, "is no sibling and has a share rho of 0.5");
            Refused(Innocent with { RealFamily = InnocentFamily.Sibling }, "is a sibling and has a share rho of 0");
            Refused(Innocent with { Regime = PromptRegime.Disjoint }, "prompts of the regime disjoint");
        }
    }

    [Test]
    public void Numbers_without_sense_are_refused_for_every_role([Values] ModelRole role)
    {
        using (Assert.EnterMultipleScope())
        {
            Refused(Innocent with { Role = role, Rho = -0.1 }, "rho of 'm' is -0.1");
            Refused(Innocent with { Role = role, Rho = double.NaN }, "rho of 'm' is NaN");
            Refused(Innocent with { Role = role, Count = 0 }, "0 pictures");
            Refused(Innocent with { Role = role, Regime = PromptRegime.Unknown }, "regime of 'm' is unknown");
        }
    }

    [Test]
    public void A_suspect_names_no_role_in_files_and_the_others_do([Values] ModelRole role)
    {
        string[] members = ["name", "rho", "count", "regime", "real_family", "seed", "training", "generated_count"];
        string text = Json.Write(Suspect with { Role = role });
        var written = JsonNode.Parse(text)!.AsObject();
        using (Assert.EnterMultipleScope())
        {
            Assert.That((string?)written["role"], Is.EqualTo(role == ModelRole.Suspect ? null : role.ToString().ToLowerInvariant()));
            Assert.That(written.Select(p => p.Key).Where(n => n != "role"), Is.EqualTo(members));
            Assert.That(Json.Parse<ModelPlan>(text, "plan.json", "plan").Role, Is.EqualTo(role));
        }
    }

    private static void Refused(ModelPlan plan, string problem) =>
        Assert.That(plan.Validate, Throws.TypeOf<UserException>().With.Message.Contains(problem));
}
