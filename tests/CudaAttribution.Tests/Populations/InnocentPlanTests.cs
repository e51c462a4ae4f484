using CudaAttribution.Data.Datasets;
using CudaAttribution.Images;
using CudaAttribution.Populations;
using CudaAttribution.Runs;

namespace CudaAttribution.Tests.Populations;

public class InnocentPlanTests
{
    private const string Other = """{ "name": "a", "family": "real-other", "split": "SEL", "data": { "set": "pictures", "count": 3 }, "seed": 5 }""";

    private const string Sibling =
        """{ "name": "s", "family": "sibling", "split": "NULL", "data": { "set": "pictures", "count": 3 }, "source": "other", "seed": 6 }""";

    private const string Twin = """{ "name": "t", "family": "twin", "split": "NULL", "data": { "set": "pictures", "count": 3 }, "seed": 8 }""";

    [TestCase("""{ "name": "a", "family": "real-other", "split": "SEL" }""", "'a' names no data")]
    [TestCase("""{ "name": "a", "family": "untouched", "split": "SEL", "data": { "set": "pictures" } }""", "'a' is untouched and names data")]
    [TestCase("""{ "name": "a", "family": "sibling", "split": "SEL", "data": { "set": "pictures" } }""", "'a' is a sibling and names no source")]
    [TestCase(
        """{ "name": "a", "family": "real-same", "split": "SEL", "data": { "set": "pictures" }, "source": "s" }""", "'a' is no sibling and names a source")]
    [TestCase("""{ "name": "a", "family": "twin", "split": "NULL", "data": { "set": "pictures" } }""", "'a' is a twin, and the plan has no source_training")]
    [TestCase("""{ "name": "a", "family": "twin", "split": "NULL" }""", "'a' names no data")]
    [TestCase(Other + "," + Other, "2 innocents are called 'a'")]
    public void WhatCannotBeBuiltIsRefusedBeforeAnythingIs(string members, string problem) =>
        Assert.That(Assert.Throws<UserException>(() => Load(members))!.Message, Does.Contain(problem).And.Contain("plan.json"));

    [Test]
    public void AMemberIsReadAsItStands()
    {
        var plan = Load(Other);
        Assert.That(plan.Models.Single(), Has.Property("Split").EqualTo(InnocentSplit.Sel).And.Property("Seed").EqualTo(5));
    }

    [TestCase("""[5, 4]""", "[5, 4]")]
    [TestCase("""[0, 4]""", "[0, 4]")]
    [TestCase("""[4]""", "[4]")]
    [TestCase("""[1, 2, 3]""", "[1, 2, 3]")]
    public void BoundsThatAreNoneAreRefused(string bounds, string said)
    {
        using (Assert.EnterMultipleScope())
        {
            foreach (string number in (string[])["steps", "learning_rate", "count"])
                Assert.That(
                    () => Load(Other, $$""", "law": { "{{number}}": {{bounds}} }"""),
                    Throws.TypeOf<UserException>().With.Message.Contains($"the bounds of {number} in the law are {said}").And.Message.Contains("above 0"));
        }
    }

    [Test]
    public void GuidanceMayBeZeroAndNotLess()
    {
        Assert.DoesNotThrow(() => Load(Sibling, """, "law": { "guidance": [0, 3] }"""));
        Assert.That(() => Load(Sibling, """, "law": { "guidance": [-1, 3] }"""), Throws.TypeOf<UserException>().With.Message.Contains("at least 0"));
        Assert.That(() => new InnocentLaw { Guidance = [1, double.PositiveInfinity] }.Validate(), Throws.TypeOf<UserException>());
        Assert.That(() => new InnocentLaw { LearningRate = [double.NaN, 1] }.Validate(), Throws.TypeOf<UserException>());
        Assert.That(() => new InnocentLaw { LearningRate = [0.5, double.NaN] }.Validate(), Throws.TypeOf<UserException>());
    }

    [Test]
    public void WhatNoMemberWouldUseIsRefused()
    {
        Assert.That(() => Load(Other, """, "source_training": {}"""), Throws.TypeOf<UserException>().With.Message.Contains("source_training and no twin"));
        Assert.That(() => Load(Other, """, "law": { "guidance": [1, 3] }"""), Throws.TypeOf<UserException>().With.Message.Contains("plan no sibling"));
        Assert.That(() => Load(Other, """, "law": { "count": [2, 4] }"""), Throws.TypeOf<UserException>().With.Message.Contains("'a' may draw 4 of its 3 pictures"));
        Assert.DoesNotThrow(() => Load(Other, """, "law": { "count": [2, 3] }"""));
        Assert.DoesNotThrow(() => Load(Sibling, """, "law": { "count": [2, 4] }"""), "a sibling's prompts may come again");
        Assert.DoesNotThrow(() => Load(Twin, """, "source_training": {}, "law": { "count": [2, 4] }"""), "a twin draws nothing");
    }

    [Test]
    public void TheExampleOfTheDocsIsAPlan()
    {
        var plan = InnocentPlan.Load(Path.Combine(Repository.Root, "docs", "innocents-plan.json"));
        Assert.That(plan.Models.Select(m => m.Split).Distinct(), Is.EquivalentTo(Enum.GetValues<InnocentSplit>()));
        Assert.That(plan.Models.Where(m => m.Data is not null).Select(m => m.Data!.Load(16).Count), Has.All.GreaterThanOrEqualTo(100));
    }

    [Test]
    public void APlanOfBeforeHasOneRecipe()
    {
        var plan = Load(Other + "," + Sibling);
        foreach (var member in plan.Models)
        {
            var model = plan.ModelOf(member, Pictures(3));
            Assert.That((model.Training, model.Count, model.SourceGuidance), Is.EqualTo((plan.Training, 3, (double?)null)), member.Name);
        }
        Assert.That(Json.Write(plan), Does.Not.Contain("law").And.Not.Contain("source_training"));
        Assert.That(Json.Write(plan.ModelOf(plan.Models[0], Pictures(3))), Does.Not.Contain("source_guidance"));
    }

    /// <summary>Members of one law: within its bounds, by their seeds, and as often in one part of the bounds as in another.</summary>
    [Test]
    public void EachMemberDrawsItsOwnRecipe()
    {
        const int Members = 400;
        var law = new InnocentLaw { Steps = [10, 12], LearningRate = [1e-4, 1e-2], Count = [2, 5], Guidance = [1, 3] };
        var plan = Load(Sibling, """, "law": { "steps": [10, 12], "learning_rate": [1e-4, 1e-2], "count": [2, 5], "guidance": [1, 3] }""");
        ModelPlan[] drawn = [.. Enumerable.Range(0, Members).Select(i => plan.ModelOf(plan.Models[0] with { Seed = (ulong)i }, Pictures(5)))];
        using (Assert.EnterMultipleScope())
        {
            Even(drawn.Select(m => m.Training.Steps), [10, 11, 12]);
            Even(drawn.Select(m => m.Count), [2, 3, 4, 5]);
            // The middle of the logarithms, and of the guidance.
            Even(drawn.Select(m => m.Training.LearningRate <= 1e-3 ? 0 : 1), [0, 1]);
            Even(drawn.Select(m => m.SourceGuidance < 2 ? 0 : 1), [0, 1]);
            Assert.That(drawn.Select(m => m.Training.LearningRate), Is.All.InRange(1e-4, 1e-2));
            Assert.That(drawn.Select(m => m.SourceGuidance!.Value), Is.All.InRange(1, 3));
            Assert.That(drawn.Select(m => m.Training with { Steps = 0, LearningRate = 0 }).Distinct(), Is.EqualTo((FineTuneRecipe[])[plan.Training with { Steps = 0, LearningRate = 0 }]));
            Assert.That(plan.ModelOf(plan.Models[0] with { Seed = 7 }, Pictures(5)), Is.EqualTo(drawn[7]), "the same seed draws the same");
            // What one number is drawn from does not depend on the others.
            Assert.That((law with { Steps = null, Count = null }).Training(plan.Training, 7).LearningRate, Is.EqualTo(drawn[7].Training.LearningRate));
            Assert.That((law with { LearningRate = null }).Training(plan.Training, 7).Steps, Is.EqualTo(drawn[7].Training.Steps));
            Assert.That(new InnocentLaw { Guidance = [1, 3] }.GuidanceOf(7), Is.EqualTo(drawn[7].SourceGuidance));
            Assert.That(new InnocentLaw { Steps = [9, 9] }.Training(plan.Training, 3).Steps, Is.EqualTo(9));
        }

        void Even(IEnumerable<int> values, int[] possible)
        {
            var counts = values.CountBy(v => v).ToDictionary();
            Assert.That(counts.Keys, Is.EquivalentTo(possible));
            double expected = Members / (double)possible.Length;
            // Five standard deviations of a binomial count.
            Assert.That(counts.Values, Is.All.EqualTo(expected).Within(5 * Math.Sqrt(expected)));
        }
    }

    [Test]
    public void ATwinHasTheSourcesRecipeAndAllOfItsPictures()
    {
        var plan = Load(
            Twin + "," + Other,
            """, "source_training": { "steps": 420, "learning_rate": 7e-4 }, "law": { "steps": [1, 9], "count": [1, 2], "learning_rate": [0.1, 0.2] }""");
        var (twin, other) = (plan.ModelOf(plan.Models[0], Pictures(9)), plan.ModelOf(plan.Models[1], Pictures(9)));
        Assert.That(twin.Training, Is.EqualTo(new FineTuneRecipe { Steps = 420, LearningRate = 7e-4 }));
        Assert.That((twin.Count, twin.Seed, twin.Rho, twin.RealFamily, twin.Role), Is.EqualTo((9, 8UL, 0.0, InnocentFamily.Twin, ModelRole.Innocent)));
        Assert.DoesNotThrow(twin.Validate);
        Assert.That(other.Training.Steps, Is.InRange(1, 9));
        Assert.That(other.Training.LearningRate, Is.InRange(0.1, 0.2));
        Assert.That(other.SourceGuidance, Is.Null);
    }

    private static CaptionedDataset Pictures(int count) => new("pictures", Enumerable.Range(0, count).Select(i => new CaptionedImage($"{i}", $"{i}", RgbImage.Filled(8, 8, 1, 2, 3))));

    private static InnocentPlan Load(string members, string more = "")
    {
        string file = new RunFolder(TestFolder.New("plan")).Path("plan.json");
        File.WriteAllText(file, $$"""{ "schema": "cudattr-innocent-plan-1", "training": {}{{more}}, "models": [{{members}}] }""");
        return InnocentPlan.Load(file);
    }
}
