using CudaAttribution.Runs.Units;
using CudaAttribution.Tests;
using static CudaAttribution.Runs.Tests.Units.TestUnits;

namespace CudaAttribution.Runs.Tests.Units;

public sealed class UnitPlanTests
{
    [Test]
    public void Each_unit_comes_after_those_it_is_made_from()
    {
        var graph = Forty(new ChainSettings()).Resolve();
        var place = graph.Units.Select((u, i) => (u.Id, i)).ToDictionary(p => p.Id, p => p.i);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(graph.Units, Has.Count.EqualTo(40));
            Assert.That(graph.Results, Is.EqualTo([graph.Units[^1].Id]));
            foreach (var unit in graph.Units)
                Assert.That(unit.Inputs.Select(i => place[i]), Has.All.LessThan(place[unit.Id]));
        }
    }

    [Test]
    public void The_order_of_declaration_changes_no_id()
    {
        var plan = Forty(new ChainSettings());
        var reversed = plan with { Units = plan.Units.Reverse().ToDictionary() };
        Assert.That(reversed.Resolve().Results, Is.EqualTo(plan.Resolve().Results));
    }

    [Test]
    public void What_two_names_ask_for_is_one_unit()
    {
        var graph = Plan(new() { ["a"] = Chain(1), ["b"] = Chain(1), ["c"] = Chain(2, "a", "b") }, "c").Resolve();
        Assert.That(graph.Units, Has.Count.EqualTo(2));
    }

    [Test]
    public void A_circle_is_refused_with_its_units()
    {
        var plan = Plan(new() { ["free"] = Chain(1), ["a"] = Chain(1, "free", "c"), ["b"] = Chain(2, "a"), ["c"] = Chain(3, "b"), ["d"] = Chain(4, "c") }, "d");
        string said = Assert.Throws<UserException>(() => plan.Resolve()).Message;
        Assert.That(said, Does.Contain("a <- c <- b <- a").And.Not.Contain("free").And.Not.Contain("d <-"));
    }

    [Test]
    public void A_unit_made_from_itself_is_refused() => Assert.That(
        () => Plan(new() { ["a"] = Chain(1, "a") }, "a").Resolve(), Throws.TypeOf<UserException>().With.Message.Contains("a <- a"));

    [Test]
    public void An_input_that_is_not_there_is_refused() => Assert.That(
        () => Plan(new() { ["a"] = Chain(1, "b") }, "a").Resolve(),
        Throws.TypeOf<UserException>().With.Message.Contains("unit 'a' is made from 'b'"));

    [Test]
    public void A_result_that_is_not_there_is_refused() => Assert.That(
        () => Plan(new() { ["a"] = Chain(1) }, "b").Resolve(), Throws.TypeOf<UserException>().With.Message.Contains("the result 'b'"));

    [Test]
    public void A_unit_that_leads_to_no_result_is_refused() => Assert.That(
        () => Plan(new() { ["a"] = Chain(1), ["b"] = Chain(2) }, "a").Resolve(),
        Throws.TypeOf<UserException>().With.Message.Contains("'b' leads to no result"));

    [Test]
    public void A_plan_is_read_from_a_file()
    {
        var folder = new RunFolder(TestFolder.New("plan"));
        folder.Write("plan.json", """
            {
              "schema": "cudattr-plan-1",
              "units": {"a": {"kind": "chain-1", "settings": {"seed": 7}}, "b": {"kind": "chain-1", "inputs": ["a"]}},
              "results": ["b"]
            }
            """);
        Assert.That(
            UnitPlan.Load(folder.Path("plan.json")).Resolve().Results,
            Is.EqualTo(Plan(new() { ["a"] = Chain(7), ["b"] = Chain(0, "a") }, "b").Resolve().Results));
    }

    [TestCase("""{"units": {}}""", "results")]
    [TestCase("""{"schema": "cudattr-plan-2", "units": {}, "results": []}""", "cudattr-plan-2")]
    [TestCase("""{"units": {"a": {"kind": "x", "input": []}}, "results": []}""", "input")]
    public void A_file_that_is_no_plan_is_refused(string text, string named)
    {
        var folder = new RunFolder(TestFolder.New("plan"));
        folder.Write("plan.json", text);
        Assert.That(() => UnitPlan.Load(folder.Path("plan.json")), Throws.TypeOf<UserException>().With.Message.Contains(named));
    }
}
