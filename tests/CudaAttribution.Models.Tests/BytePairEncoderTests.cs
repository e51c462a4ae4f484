using System.Text.Json.Nodes;
using CudaAttribution.Models.Text;
using CudaAttribution.Tensors.Ops;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests;

/// <summary>Our merging on vocabularies that no training makes: any order of merges, several merges to one token.</summary>
public class BytePairEncoderTests
{
    private const string End = "</w>";

    private TemporaryFolder _folder = null!;

    [SetUp]
    public void SetUp() => _folder = new TemporaryFolder();

    [TearDown]
    public void TearDown() => _folder.Dispose();

    [Test]
    public void PairsOfOneRankGoBeforePairsThatComeFromThem()
    {
        // Both pairs 'a b' are merged before 'ab a', which stands first but comes from them; one by one it would be aba b ab</w>.
        Assert.That(Encode([("ab", "a"), ("a", "b"), ("a", "b" + End)], ["ababab"]), Is.EqualTo(new[] { "ab aba b</w>" }));
    }

    [Test]
    public void MergingIsThatOfTheDefinition([Range(1, 40)] int seed)
    {
        var random = new Random(seed);
        string[] letters = seed % 2 == 0 ? ["a", "b"] : ["a", "b", "c"];
        var tokens = new List<string>(letters);
        var merges = new HashSet<(string, string)>();
        while (merges.Count < 14)
        {
            string left = tokens[random.Next(tokens.Count)], right = tokens[random.Next(tokens.Count)];
            if (left.Length + right.Length > 6 || !merges.Add((left, right))) continue;
            tokens.Add(left + right);
        }
        (string, string)[] list = [.. merges];
        random.Shuffle(list);
        string[] words = [.. Enumerable.Range(0, 200).Select(_ => Word(random, letters))];
        Assert.That(Encode(list, words), Is.EqualTo(words.Select(w => ByDefinition(w, list))));
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
            encoder.Encode(word, ids);
            return string.Join(' ', ids.Select(id => tokens[id]));
        }
    }
}
