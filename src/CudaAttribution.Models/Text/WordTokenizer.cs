using System.Text;
using System.Text.Json.Nodes;
using CudaAttribution.Models.Configuration;

namespace CudaAttribution.Models.Text;

/// <summary>
/// A tokenizer of whole words for small models that are trained from scratch: lower-case, split at everything that is neither letter nor digit,
/// vocabulary taken from the captions by falling frequency, ties in ordinal order. Files: <c>vocab.json</c> (token to number) and
/// <c>tokenizer_config.json</c> (<c>model_max_length</c>).
/// </summary>
public sealed class WordTokenizer : ITokenizer
{
    public const string ClassName = "WordTokenizer";

    private const string VocabularyFile = "vocab.json", ConfigFile = "tokenizer_config.json";

    private const int Pad = 0, Begin = 1, End = 2, Unknown = 3;

    private static readonly string[] Special = ["<pad>", "<bos>", "<eos>", "<unk>"];

    private readonly string[] _words;
    private readonly Dictionary<string, int> _ids;

    private WordTokenizer(string[] words, int maxLength)
    {
        if (maxLength < 3)
        {
            throw new ArgumentException($"a prompt needs at least 3 tokens (start, one word, end), the length is {maxLength}", nameof(maxLength));
        }
        _words = words;
        _ids = words.Index().ToDictionary(w => w.Item, w => w.Index, StringComparer.Ordinal);
        MaxLength = maxLength;
    }

    public string Library => "cudattr";

    public string Name => ClassName;

    public int VocabSize => _words.Length;

    public int MaxLength { get; }

    /// <summary>Makes the vocabulary of <paramref name="captions"/>; the same captions in any order give the same one.</summary>
    /// <param name="captions">The training captions.</param>
    /// <param name="maxLength">Tokens of one prompt, at least 3.</param>
    /// <param name="maxVocabulary">Largest number of tokens, the four special ones included; rarer words become <c>&lt;unk&gt;</c>.</param>
    public static WordTokenizer Train(IEnumerable<string> captions, int maxLength, int maxVocabulary = int.MaxValue)
    {
        if (maxVocabulary < Special.Length)
        {
            throw new ArgumentException(
                $"the vocabulary has {Special.Length} special tokens, a limit of {maxVocabulary} has no room for them",
                nameof(maxVocabulary));
        }
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (string word in captions.SelectMany(Split)) counts[word] = counts.GetValueOrDefault(word) + 1;
        var words = counts.OrderByDescending(c => c.Value).ThenBy(c => c.Key, StringComparer.Ordinal).Select(c => c.Key);
        return new WordTokenizer([.. Special, .. words.Take(maxVocabulary - Special.Length)], maxLength);
    }

    /// <summary>Reads the files that <see cref="Save"/> wrote.</summary>
    /// <exception cref="ModelFileException">A file is missing or is not a vocabulary.</exception>
    public static WordTokenizer Load(string folder)
    {
        string vocabularyPath = Path.Combine(folder, VocabularyFile), configPath = Path.Combine(folder, ConfigFile);
        var vocabulary = ConfigJson.Load(vocabularyPath, "the tokenizer's vocabulary");
        var words = new string?[vocabulary.Count];
        foreach (var (word, value) in vocabulary)
        {
            if (value is not JsonValue number || !number.TryGetValue(out int id) || id < 0 || id >= words.Length || words[id] is not null)
            {
                throw new ModelFileException(
                    $"{vocabularyPath}: '{word}' has the number {value?.ToJsonString() ?? "null"}; the numbers must be 0 to {words.Length - 1}, "
                    + "each once");
            }
            words[id] = word;
        }
        if (!words.Take(Special.Length).SequenceEqual(Special))
        {
            throw new ModelFileException($"{vocabularyPath}: the first tokens must be {string.Join(", ", Special)}");
        }
        var length = ConfigJson.Load(configPath, "the tokenizer's configuration")["model_max_length"] as JsonValue;
        if (length is null || !length.TryGetValue(out int maxLength) || maxLength < 3)
        {
            throw new ModelFileException($"{configPath}: 'model_max_length' must be a whole number of at least 3");
        }
        return new WordTokenizer(words!, maxLength);
    }

    public int[] Encode(IReadOnlyList<string> texts)
    {
        int[] ids = new int[texts.Count * MaxLength];
        for (int i = 0; i < texts.Count; i++) Encode(texts[i], ids.AsSpan(i * MaxLength, MaxLength));
        return ids;
    }

    public void Save(string folder)
    {
        var vocabulary = new JsonObject(_words.Select((word, id) => KeyValuePair.Create<string, JsonNode?>(word, id)));
        File.WriteAllText(Path.Combine(folder, VocabularyFile), ConfigJson.Text(vocabulary));
        var config = new JsonObject { ["tokenizer_class"] = ClassName, ["model_max_length"] = MaxLength };
        File.WriteAllText(Path.Combine(folder, ConfigFile), ConfigJson.Text(config));
    }

    private void Encode(string text, Span<int> ids)
    {
        ids.Fill(Pad);
        ids[0] = Begin;
        int length = 1;
        foreach (string word in Split(text).Take(MaxLength - 2)) ids[length++] = _ids.GetValueOrDefault(word, Unknown);
        ids[length] = End;
    }

    private static IEnumerable<string> Split(string text)
    {
        var word = new StringBuilder();
        foreach (var rune in text.EnumerateRunes())
        {
            if (Rune.IsLetterOrDigit(rune))
            {
                word.Append(Rune.ToLowerInvariant(rune).ToString());
                continue;
            }
            if (word.Length > 0) yield return word.ToString();
            word.Clear();
        }
        if (word.Length > 0) yield return word.ToString();
    }
}
