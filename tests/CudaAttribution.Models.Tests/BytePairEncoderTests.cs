using System.Text;
using System.Text.Json.Nodes;
using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.Text;
using CudaAttribution.Tensors.Ops;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests;

/// <summary>Merging against its definition: of all neighbouring pairs the first in the list is merged, everywhere from left to right.</summary>
public class BytePairEncoderTests
{
    private const string End = "</w>";

    private TemporaryFolder _folder = null!;

    [SetUp]
    public void SetUp() => _folder = new TemporaryFolder();

    [TearDown]
    public void TearDown() => _folder.Dispose();

    [TestCase("ab a", "a b")]
    [TestCase("a b", "b c", "ab c", "abc a", "a bc")]
    public void MergesOutOfTheOrderOfTrainingAreRefused(params string[] lines)
    {
        (string, string)[] merges = [.. lines.Select(line => line.Split(' ')).Select(pair => (pair[0], pair[1]))];
        var error = Assert.Throws<ModelFileException>(() => Encode(merges, ["ab"]))!;
        Assert.That(error.Message, Does.Contain($"line {lines.Length + 1} ('{lines[^1]}')").And.Contain("order"));
    }

    [Test]
    public void MergingIsThatOfTheDefinition([Range(1, 40)] int seed)
    {
        var random = new Random(seed);
        string[] letters = seed % 2 == 0 ? ["a", "b"] : ["a", "b", "c"];
        var tokens = new List<string>(letters);
        var merges = new List<(string, string)>();
        while (merges.Count < 14)
        {
            string left = tokens[random.Next(tokens.Count)], right = tokens[random.Next(tokens.Count)];
            if (left.Length + right.Length > 6 || tokens.Contains(left + right)) continue;
            merges.Add((left, right));
            tokens.Add(left + right);
        }
        (string, string)[] list = [.. merges];
        string[] words = [.. Enumerable.Range(0, 200).Select(_ => Word(random, letters))];
        Assert.That(Encode(list, words), Is.EqualTo(words.Select(w => ByDefinition(w, list))));
    }

    /// <summary>Of a word that is far too long the tokens of a prompt are those of the whole word.</summary>
    [TestCase("a")]
    [TestCase("ab")]
    [TestCase("abcdefghijkl")]
    [TestCase("congratulations")]
    [TestCase("\u00e9\u4e2d")]
    [TestCase("\U0001f602")]
    [TestCase("haha\U0001d41a")]
    [TestCase(null)]
    public void TheBeginningOfALongWordHasTheTokensOfTheWhole(string? unit)
    {
        const int length = 6_000, enough = 75;
        var random = new Random(3);
        string word = unit is null
            ? string.Concat(Enumerable.Range(0, length).Select(_ => (char)('a' + random.Next(26))))
            : string.Concat(Enumerable.Repeat(unit, length / unit.Length));
        var vocabulary = ClipTokenizer.OriginalVocabulary;
        var ids = new List<int>();
        new BytePairEncoder(vocabulary, ClipTokenizer.EndOfText).Encode(word, ids, enough);
        Assert.That(ids, Has.Count.AtLeast(enough));
        Assert.That(ids.Take(enough).Select(id => vocabulary.Tokens[id]), Is.EqualTo(ByDefinition(word, vocabulary).Take(enough)));
    }

    private static string Word(Random random, string[] letters) =>
        string.Concat(Enumerable.Range(0, random.Next(1, 40)).Select(_ => letters[random.Next(letters.Length)]));

    /// <summary>The best pair of all merged everywhere from left to right, again and again.</summary>
    private static string ByDefinition(string word, (string Left, string Right)[] merges)
    {
        List<string> tokens = [.. word.Select(c => c.ToString())];
        tokens[^1] += End;
        while (true)
        {
            int rank = Array.FindIndex(merges, m => tokens.Zip(tokens.Skip(1)).Contains(m));
            if (rank < 0) return string.Join(' ', tokens);
            for (int i = 0; i < tokens.Count - 1; i++)
            {
                if ((tokens[i], tokens[i + 1]) != merges[rank]) continue;
                tokens[i] += tokens[i + 1];
                tokens.RemoveAt(i + 1);
            }
        }
    }

    private static List<string> ByDefinition(string word, ClipVocabulary vocabulary)
    {
        Dictionary<(string, string), int> ranks = vocabulary.Merges.Index().ToDictionary(m => (m.Item.Left, m.Item.Right), m => m.Index);
        List<string> tokens = [.. Encoding.UTF8.GetBytes(word).Select(b => ClipVocabulary.ByteSymbols[b].ToString())];
        tokens[^1] += End;
        while (true)
        {
            int best = tokens.Zip(tokens.Skip(1)).Min(pair => ranks.GetValueOrDefault(pair, int.MaxValue));
            if (best == int.MaxValue) return tokens;
            var next = new List<string>(tokens.Count);
            for (int i = 0; i < tokens.Count; i++)
            {
                bool merges = i + 1 < tokens.Count && ranks.GetValueOrDefault((tokens[i], tokens[i + 1]), -1) == best;
                next.Add(merges ? tokens[i] + tokens[++i] : tokens[i]);
            }
            tokens = next;
        }
    }

    /// <summary>The tokens of each word, with spaces between.</summary>
    private string[] Encode((string Left, string Right)[] merges, string[] words)
    {
        string[] tokens =
        [
            .. new[] { "a", "b", "c", "a" + End, "b" + End, "c" + End, "<|endoftext|>" }.Concat(merges.Select(m => m.Left + m.Right)).Distinct(),
        ];
        var json = new JsonObject(tokens.Select((t, id) => KeyValuePair.Create<string, JsonNode?>(t, id)));
        File.WriteAllText(_folder["vocab.json"], json.ToJsonString());
        File.WriteAllText(_folder["merges.txt"], "#version: 0.2\n" + string.Concat(merges.Select(m => $"{m.Left} {m.Right}\n")));
        var encoder = new BytePairEncoder(ClipVocabulary.Load(_folder.Path), "<|endoftext|>");
        return [.. words.Select(Tokens)];

        string Tokens(string word)
        {
            var ids = new List<int>();
            encoder.Encode(word, ids, enough: word.Length);
            return string.Join(' ', ids.Select(id => tokens[id]));
        }
    }
}
