using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace CudaAttribution.Runs.Tests;

/// <summary>JSON of strangers: what .NET takes and fails on later is refused, or read as lenient clients read it.</summary>
public class OutsideJsonTests
{
    private const string Half = "\\ud83d";

    [TestCase($$"""{"a": "{{Half}}"}""", "half of a surrogate pair")]
    [TestCase($$"""{"a": "x{{Half}}y"}""", "half of a surrogate pair")]
    [TestCase("""{"a": "\ude00"}""", "half of a surrogate pair")]
    [TestCase("""{"a": "\ude00\ud83d"}""", "half of a surrogate pair")]
    [TestCase($$"""{"{{Half}}": 1}""", "half of a surrogate pair")]
    [TestCase($$"""[{"deep": [["{{Half}}"]]}]""", "half of a surrogate pair")]
    [TestCase("""{"a": 1, "a": 2}""", "'a'")]
    [TestCase("""{"a": 1, "\u0061": 2}""", "'a'")]
    [TestCase("""{"a": NaN}""", "N")]
    [TestCase("""{"a": -Infinity}""", "I")]
    [TestCase("{", "")]
    [TestCase("", "")]
    public void WhatIsNoSoundJsonIsRefused(string text, string named)
    {
        Assert.That(() => OutsideJson.Read(text), Throws.InstanceOf<JsonException>().With.Message.Contains(named));
        Assert.That(() => OutsideJson.ReadNode(text), Throws.InstanceOf<JsonException>());
        Assert.That(
            () => Json.Parse<JsonNode>(text, "file.json", "thing"), Throws.TypeOf<UserException>().With.Message.StartsWith("file.json: not a valid thing"));
    }

    [Test]
    public void BytesThatAreNoUtf8AndDepthAreRefused()
    {
        Assert.That(() => OutsideJson.Read((byte[])[(byte)'"', 0xff, (byte)'"']), Throws.InstanceOf<JsonException>().With.Message.Contains("UTF-8"));
        string deep = new string('[', 100_000) + new string(']', 100_000);
        Assert.That(() => OutsideJson.Read(deep), Throws.InstanceOf<JsonException>());
        Assert.That(OutsideJson.TryReadLeniently(Encoding.UTF8.GetBytes(deep)), Is.Null);
    }

    [Test]
    public void SoundTextsAreReadAsTheyStand()
    {
        byte[] marked = [.. Encoding.UTF8.Preamble, .. """{"a": "\ud83d\ude00 \\ud83d \"", "b": [1e400]}"""u8];
        foreach (var read in new[] { OutsideJson.Read(marked), OutsideJson.TryReadLeniently(marked)!.Value })
        {
            Assert.That(read.GetProperty("a").GetString(), Is.EqualTo("😀 \\ud83d \""));
            Assert.That(read.GetProperty("b")[0].TryGetInt64(out _), Is.False);
        }
        Assert.That(OutsideJson.ReadNode("""{"a": null, "b": [true]}""")!.ToJsonString(), Is.EqualTo("""{"a":null,"b":[true]}"""));
        Assert.That(OutsideJson.ReadNode("null"), Is.Null);
        Assert.That((string?)OutsideJson.ReadNode("\"x\""), Is.EqualTo("x"));
    }

    [TestCase($$"""{"a": "{{Half}}"}""", """{"a":"�"}""")]
    [TestCase($$"""{"a": "{{Half}}\ud83d\ude00\ude00"}""", """{"a":"�😀�"}""")]
    [TestCase($$"""{"a": "\\{{Half}} \\ud83d \"{{Half}}"}""", """{"a":"\\� \\ud83d \"�"}""")]
    [TestCase($$"""{"{{Half}}": 1}""", """{"�":1}""")]
    [TestCase("""{"a": "\ude00\ude00"}""", """{"a":"��"}""")]
    [TestCase("""{"a": NaN, "b": [Infinity, -Infinity, -1], "c": "NaN -Infinity"}""", """{"a":null,"b":[null,null,-1],"c":"NaN -Infinity"}""")]
    [TestCase("""{"a": 1, "a": 2}""", null)]
    public void ALenientReaderMakesTheBestOfIt(string text, string? expected)
    {
        var read = OutsideJson.TryReadLeniently(Encoding.UTF8.GetBytes(text))!.Value;
        if (expected is null) Assert.That(read.GetProperty("a").GetInt32(), Is.EqualTo(2), "the last counts");
        else Assert.That(JsonNode.DeepEquals(JsonNode.Parse(read.GetRawText()), JsonNode.Parse(expected)), read.GetRawText());
    }

    [TestCase("{\"a\": \"\\")]
    [TestCase("{\"a\": \"\\ud83")]
    [TestCase("\"\\ud83d")]
    [TestCase("nope")]
    [TestCase("NaNNaN")]
    [TestCase("-")]
    public void WhatNobodyCanReadIsNothing(string text) => Assert.That(OutsideJson.TryReadLeniently(Encoding.UTF8.GetBytes(text)), Is.Null);

    [Test]
    public void InvalidBytesBecomeTheReplacementCharacter()
    {
        var read = OutsideJson.TryReadLeniently((byte[])[.. "{\"a\": \"x"u8, 0xff, .. "\"}"u8])!.Value;
        Assert.That(read.GetProperty("a").GetString(), Is.EqualTo("x\ufffd"));
    }

    [TestCase("\"\\\\")]
    [TestCase("\\ud83d")]
    [TestCase("\"")]
    [TestCase("N")]
    [TestCase("\"\\ud83d\"")]
    public void MendingLooksAtEachPlaceOnce(string unit)
    {
        // Two million of these take an instant; anything quadratic in them would not end.
        byte[] text = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(unit, 2_000_000)));
        Assert.That(OutsideJson.TryReadLeniently(text), Is.Null);
    }
}
