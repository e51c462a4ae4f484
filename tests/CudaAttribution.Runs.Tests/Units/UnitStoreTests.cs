using System.Security.Cryptography;
using CudaAttribution.Runs.Units;
using CudaAttribution.Tests;
using static CudaAttribution.Runs.Tests.Units.TestUnits;

namespace CudaAttribution.Runs.Tests.Units;

public sealed class UnitStoreTests
{
    [Test]
    public void A_unit_is_entered_once_and_found_by_the_digits_of_its_id()
    {
        var store = UnitStore.OpenOrCreate(TestFolder.New("store"));
        var graph = Plan(new() { ["a"] = Chain(1), ["b"] = Chain(2, "a") }, "b").Resolve();
        store.Add(graph);
        string first = File.ReadAllText(Path.Combine(store.FolderOf(graph.Results[0]), "unit.json"));
        store.Add(graph);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(store.Ids(), Is.EqualTo(graph.Units.Select(u => u.Id).Order(StringComparer.Ordinal)));
            Assert.That(store.Resolve(graph.Results[0][..20]), Is.EqualTo(graph.Results[0]));
            Assert.That(store.Read(graph.Results[0]).Id, Is.EqualTo(graph.Results[0]));
            Assert.That(store.StateOf(graph.Results[0]), Is.EqualTo(UnitState.Planned));
            Assert.That(File.ReadAllText(Path.Combine(store.FolderOf(graph.Results[0]), "unit.json")), Is.EqualTo(first));
            Assert.That(store.FolderOf(graph.Results[0]), Does.EndWith($"units/{graph.Results[0][..2]}/{graph.Results[0]}"));
        }
    }

    [Test]
    public void The_graph_of_a_unit_is_all_it_is_made_from()
    {
        var store = UnitStore.OpenOrCreate(TestFolder.New("store"));
        var graph = Forty(new ChainSettings()).Resolve();
        store.Add(graph);
        var again = store.GraphOf(graph.Results);
        var place = again.Units.Select((u, i) => (u.Id, i)).ToDictionary(p => p.Id, p => p.i);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(again.Units.Select(u => u.Id), Is.EquivalentTo(graph.Units.Select(u => u.Id)));
            foreach (var unit in again.Units) Assert.That(unit.Inputs.Select(i => place[i]), Has.All.LessThan(place[unit.Id]));
        }
    }

    [Test]
    public void An_input_that_neither_plan_nor_store_has_is_refused_before_anything_is_entered()
    {
        var store = UnitStore.OpenOrCreate(TestFolder.New("store"));
        string absent = new('0', WorkUnit.IdLength);
        var graph = Plan(new() { ["a"] = Chain(1), ["b"] = Chain(2, "a", absent) }, "b").Resolve();
        Assert.That(() => store.Add(graph), Throws.TypeOf<UserException>().With.Message.Contains(absent));
        Assert.That(store.Ids(), Is.Empty);
    }

    [Test]
    public void A_file_and_a_folder_are_kept_under_their_hashes()
    {
        var source = new RunFolder(TestFolder.New("source"));
        source.Write("b/two.txt", "2");
        source.Write("one.txt", "1");
        var store = UnitStore.OpenOrCreate(TestFolder.New("store"));
        string file = store.Import(source.Path("one.txt")), folder = store.Import(source.Root);
        string document = $$"""{"b/two.txt":"{{Hash("2")}}","one.txt":"{{Hash("1")}}"}""";
        using (Assert.EnterMultipleScope())
        {
            Assert.That(file, Is.EqualTo(Hash("1")));
            Assert.That(folder, Is.EqualTo(Hash(document)));
            Assert.That(store.Import(source.Root), Is.EqualTo(folder), "the same again");
            Assert.That(File.ReadAllText(Path.Combine(store.Root, "contents", folder[..2], folder, "b/two.txt")), Is.EqualTo("2"));
            Assert.That(Directory.EnumerateFileSystemEntries(store.Root, "*.tmp", SearchOption.AllDirectories), Is.Empty);
            Assert.That(() => store.Import(source.Path("absent")), Throws.TypeOf<UserException>());
        }
    }

    [Test]
    public void A_folder_with_something_else_is_no_store()
    {
        var folder = new RunFolder(TestFolder.New("else"));
        folder.Write("thesis.tex", "");
        Assert.That(() => UnitStore.OpenOrCreate(folder.Root), Throws.TypeOf<UserException>().With.Message.Contains("something else"));
        folder.Write("store.json", """{"schema":"cudattr-store-7"}""");
        Assert.That(() => UnitStore.OpenOrCreate(folder.Root), Throws.TypeOf<UserException>().With.Message.Contains("cudattr-store-7"));
    }

    [Test]
    public void Opening_makes_no_store() => Assert.That(
        () => UnitStore.Open(TestFolder.New("absent")), Throws.TypeOf<UserException>().With.Message.Contains("no store of units"));

    [Test]
    public void A_description_that_was_tampered_with_is_refused()
    {
        var store = UnitStore.OpenOrCreate(TestFolder.New("store"));
        var graph = Plan(new() { ["a"] = Chain(1) }, "a").Resolve();
        store.Add(graph);
        string file = Path.Combine(store.FolderOf(graph.Results[0]), "unit.json");
        File.WriteAllText(file, File.ReadAllText(file).Replace("\"seed\": 1", "\"seed\": 2", StringComparison.Ordinal));
        Assert.That(() => store.Read(graph.Results[0]), Throws.TypeOf<UserException>().With.Message.Contains("named after"));
    }

    [TestCase("", "no unit begins")]
    [TestCase("zz", "no unit begins")]
    public void Digits_of_no_unit_are_refused(string prefix, string said) => Assert.That(
        () => UnitStore.OpenOrCreate(TestFolder.New("store")).Resolve(prefix), Throws.TypeOf<UserException>().With.Message.Contains(said));

    [TestCase("../../etc")]
    [TestCase("abc")]
    public void What_is_no_id_names_no_folder(string id) =>
        Assert.That(() => UnitStore.OpenOrCreate(TestFolder.New("store")).FolderOf(id), Throws.TypeOf<UserException>());

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(text)));
}
