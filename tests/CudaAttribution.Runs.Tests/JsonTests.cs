using System.Text.Json.Nodes;
using CudaAttribution.Tests;

namespace CudaAttribution.Runs.Tests;

/// <summary>Differences in words, and journals of one record a line.</summary>
public class JsonTests
{
    private sealed record Entry(int Number, string Text);

    [TestCase("""{"a":{"b":1}}""", """{"a":{"b":2}}""", "a.b was 1, is 2")]
    [TestCase("""{"a":1}""", """{"b":1}""", "a was 1, is absent|b was absent, is 1")]
    [TestCase("""{"a":[1,{"b":2}]}""", """{"a":[1,{"b":3}]}""", "a[1].b was 2, is 3")]
    [TestCase("[1]", "[1,2]", "it was [1], is [1,2]")]
    [TestCase("""{"b":1,"a":2}""", """{"a":2,"b":1}""", "")]
    public void DifferencesAreToldByTheirPaths(string was, string now, string expected) =>
        Assert.That(string.Join('|', JsonDifference.Between(JsonNode.Parse(was), JsonNode.Parse(now))), Is.EqualTo(expected));

    [TestCase(58, false)]
    [TestCase(59, true)]
    public void LongValuesAreCut(int letters, bool cut)
    {
        string text = new('x', letters);
        string told = JsonDifference.Between(JsonNode.Parse("1"), JsonValue.Create(text)).Single();
        Assert.That(told, Is.EqualTo($"it was 1, is \"{text}{(cut ? "…" : "\"")}"));
    }

    [Test]
    public void AJournalKeepsWhatWasWrittenInOrderAndDropsALineCutShort()
    {
        var folder = new RunFolder(TestFolder.New("journal"));
        var journal = new JsonLines<Entry>(folder, "log.jsonl", "log");
        Assert.That(journal.Read(), Is.Empty);
        journal.Append(new Entry(1, "a"), new Entry(2, "ä\n"));
        journal.Append(new Entry(3, ""));
        Entry[] all = [new(1, "a"), new(2, "ä\n"), new(3, "")];
        Assert.That(journal.Read(), Is.EqualTo(all));
        Assert.That(File.ReadAllLines(folder.Path("log.jsonl")), Has.Length.EqualTo(3));

        File.AppendAllText(folder.Path("log.jsonl"), "{\"number\":4");
        Assert.That(journal.Read(), Is.EqualTo(all));
        journal.Append(new Entry(5, "e"));
        Assert.That(journal.Read(), Is.EqualTo(all.Append(new Entry(5, "e"))), "the next record begins a line");

        File.AppendAllText(folder.Path("log.jsonl"), "no JSON\n");
        Assert.That(Assert.Throws<UserException>(() => journal.Read())!.Message, Does.Contain("log.jsonl"));
    }
}
