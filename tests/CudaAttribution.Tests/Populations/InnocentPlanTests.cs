using CudaAttribution.Populations;
using CudaAttribution.Runs;

namespace CudaAttribution.Tests.Populations;

public class InnocentPlanTests
{
    private const string Other = """{ "name": "a", "family": "real-other", "split": "SEL", "data": { "set": "pictures", "count": 3 }, "seed": 5 }""";

    [TestCase("""{ "name": "a", "family": "real-other", "split": "SEL" }""", "'a' names no data")]
    [TestCase("""{ "name": "a", "family": "untouched", "split": "SEL", "data": { "set": "pictures" } }""", "'a' is untouched and names data")]
    [TestCase("""{ "name": "a", "family": "sibling", "split": "SEL", "data": { "set": "pictures" } }""", "'a' is a sibling and names no source")]
    [TestCase(
        """{ "name": "a", "family": "real-same", "split": "SEL", "data": { "set": "pictures" }, "source": "s" }""", "'a' is no sibling and names a source")]
    [TestCase(Other + "," + Other, "2 innocents are called 'a'")]
    public void WhatCannotBeBuiltIsRefusedBeforeAnythingIs(string members, string problem) =>
        Assert.That(Assert.Throws<UserException>(() => Load(members))!.Message, Does.Contain(problem).And.Contain("plan.json"));

    [Test]
    public void AMemberIsReadAsItStands()
    {
        var plan = Load(Other);
        Assert.That(plan.Models.Single(), Has.Property("Split").EqualTo(InnocentSplit.Sel).And.Property("Seed").EqualTo(5));
    }

    private static InnocentPlan Load(string members)
    {
        string file = new RunFolder(TestFolder.New("plan")).Path("plan.json");
        File.WriteAllText(file, $$"""{ "schema": "cudattr-innocent-plan-1", "training": {}, "models": [{{members}}] }""");
        return InnocentPlan.Load(file);
    }
}
