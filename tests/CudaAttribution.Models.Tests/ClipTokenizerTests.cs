using System.Diagnostics;
using System.Text.Json;
using CudaAttribution.Models.Text;
using CudaAttribution.Tensors.Ops;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests;

/// <summary>The golden file comes from OpenAI's own code.</summary>
public sealed class ClipTokenizerTests
{
    private const int Start = 49406, End = 49407;

    private static readonly JsonElement Golden = JsonDocument.Parse(Tests.Golden.Text("clip_tokens.json")).RootElement;

    private static readonly string[] Small =
    [
        "l", "o", "w", "e", "r", "s", "t", "i", "d", "n", "lo", "l</w>", "w</w>", "r</w>", "t</w>", "low</w>", "er</w>", "<unk>", "<|startoftext|>",
        "<|endoftext|>",
    ];

    /// <summary>What takes a naive implementation time quadratic in the length, and what does not.</summary>
    private static readonly Dictionary<string, string> Repeated = new()
    {
        ["words"] = "a photo of the \U0001f431 \u21167, ",
        ["one word"] = "abcdefghijkl",
        ["one letter"] = "a",
        ["references"] = "&amp;",
        ["nested references"] = "amp;",
        ["nested semicolons"] = "&semi",
        ["ampersands"] = "&",
        ["lines"] = "&lt;\n",
        ["marks"] = "\u0300\u0316",
        ["sigmas"] = "\u03a3'",
        ["escapes"] = "\u001b[1;",
        ["hangul"] = "\u1100\u1161\u11a8",
        ["padding"] = "!",
    };

    public static IEnumerable<string> Kinds() => Cases().Select(c => c.GetProperty("kind").GetString()!).Distinct();

    public static IEnumerable<string> LongTexts() => Repeated.Keys;

    [TestCaseSource(nameof(Kinds))]
    public void TokensAreThoseOfTheOriginal(string kind)
    {
        var tokenizer = Tokenizer();
        int cases = 0;
        using (Assert.EnterMultipleScope())
        {
            foreach (var golden in Cases().Where(c => c.GetProperty("kind").GetString() == kind))
            {
                string text = golden.GetProperty("text").GetString()!;
                Assert.That(tokenizer.Encode([text]), Is.EqualTo(Padded(golden, "ids")), () => JsonSerializer.Serialize(text));
                cases++;
            }
        }
        Assert.That(cases, Is.GreaterThan(5));
    }

    [Test]
    public void WronglyDecodedTextIsNotRepaired()
    {
        var tokenizer = Tokenizer();
        foreach (var golden in Cases().Where(c => c.TryGetProperty("original", out _)))
        {
            Assert.That(tokenizer.Encode([golden.GetProperty("text").GetString()!]), Is.Not.EqualTo(Padded(golden, "original")));
        }
    }

    [Test]
    public void ABatchIsItsTextsOneByOneFromAnyThread()
    {
        var tokenizer = Tokenizer();
        string[] texts = [.. Cases().Select(c => c.GetProperty("text").GetString()!)];
        int[][] one = [.. texts.AsParallel().AsOrdered().WithDegreeOfParallelism(4).Select(t => tokenizer.Encode([t]))];
        Assert.That(tokenizer.Encode(texts), Is.EqualTo(one.SelectMany(ids => ids)));
    }

    [Test]
    public void ThePaddingTokenFillsAndIsTakenOutOfThePromptWhereItIsAnOrdinaryOne()
    {
        var first = Tokenizer();
        var second = Tokenizer(padding: "!");
        Assert.That(first.Encode(["cat!"]), Is.EqualTo(new[] { Start, 2368, 256 }.Concat(Enumerable.Repeat(End, 74))));
        Assert.That(second.Encode(["cat!"]), Is.EqualTo(new[] { Start, 2368, 0, End }.Concat(Enumerable.Repeat(0, 73))));
        // As transformers reads it, which OpenCLIP would as 256, 748, 995.
        Assert.That(second.Encode(["! !! !!!"])[..9], Is.EqualTo(new[] { Start, 0, 0, 0, 0, 0, 0, End, 0 }));
        Assert.That(second.Encode([new string('!', 100)]), Is.EqualTo(new[] { Start }.Concat(Enumerable.Repeat(0, 75)).Append(End)));
        Assert.That((first.PaddingId, second.PaddingId), Is.EqualTo((End, 0)));
    }

    [TestCase(3)]
    [TestCase(5)]
    [TestCase(200)]
    public void OtherLengthsKeepTheEnd(int length)
    {
        var tokenizer = Tokenizer(length: length);
        int[] ids = tokenizer.Encode(["a photo of a cat", ""]);
        Assert.That(ids, Has.Length.EqualTo(2 * length));
        int[] words = [320, 1125, 539, 320, 2368];
        Assert.That(ids[..Math.Min(length, 7)], Is.EqualTo(new[] { Start }.Concat(words.Take(length - 2)).Append(End)));
        Assert.That(ids[length..], Is.EqualTo(Enumerable.Repeat(End, length - 1).Prepend(Start)));
    }

    [Test]
    public void WhatTheVocabularyLacksIsUnknown()
    {
        using var folder = new TemporaryFolder();
        WriteSmall(folder.Path, unknown: "<unk>");
        var (vocabulary, config) = ClipTokenizer.Read(folder.Path);
        var tokenizer = new ClipTokenizer(vocabulary, config with { ModelMaxLength = 12 });
        int unknown = Array.IndexOf(Small, "<unk>"), start = unknown + 1, end = unknown + 2;
        // l o w e r: 'lo' is merged, 'w' stays, 'e r</w>' is merged; x and the two bytes of é are not there.
        Assert.That(
            tokenizer.Encode(["lower xé lo"]),
            Is.EqualTo(new[] { start, 10, 2, 16, unknown, unknown, unknown, 0, unknown, end, end, end }));
        Assert.That(tokenizer.VocabSize, Is.EqualTo(Small.Length));
    }

    [TestCaseSource(nameof(LongTexts))]
    public void AMillionLettersTakeNoLonger(string name)
    {
        var tokenizer = Tokenizer(padding: "!");
        string unit = Repeated[name];
        string text = (name == "nested references" ? "&" : "") + string.Concat(Enumerable.Repeat(unit, 1_000_000 / unit.Length));
        var watch = Stopwatch.StartNew();
        int[] ids = tokenizer.Encode([text]);
        TestContext.Out.WriteLine($"{name}: {watch.ElapsedMilliseconds} ms");
        Assert.That(watch.Elapsed, Is.LessThan(TimeSpan.FromSeconds(10)), "anything quadratic takes minutes");
        Assert.That((ids[0], ids.Length, Array.IndexOf(ids, End) > 0), Is.EqualTo((Start, 77, true)));
    }

    internal static void WriteSmall(string folder, string unknown)
    {
        string tokens = string.Join(", ", Small.Select((t, id) => $"\"{t}\": {id}"));
        File.WriteAllText(Path.Combine(folder, "vocab.json"), $"{{{tokens}}}");
        File.WriteAllText(Path.Combine(folder, "merges.txt"), "#version: 0.2\nl o\nlo w</w>\ne r</w>\n");
        File.WriteAllText(Path.Combine(folder, "special_tokens_map.json"), $"{{\"unk_token\": \"{unknown}\"}}");
    }

    private static IEnumerable<JsonElement> Cases() => Golden.GetProperty("cases").EnumerateArray();

    /// <summary>The golden tokens, filled up to the length of a prompt with the padding token of Stable Diffusion 1.</summary>
    private static int[] Padded(JsonElement golden, string key)
    {
        int[] ids = [.. golden.GetProperty(key).EnumerateArray().Select(id => id.GetInt32())];
        return [.. ids, .. Enumerable.Repeat(End, 77 - ids.Length)];
    }

    private ClipTokenizer Tokenizer(string padding = ClipTokenizer.EndOfText, int length = 77) =>
        new(ClipTokenizer.OriginalVocabulary, new ClipTokenizerConfig { PadToken = padding, ModelMaxLength = length });
}
