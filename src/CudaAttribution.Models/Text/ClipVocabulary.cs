using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using CudaAttribution.Models.Configuration;

namespace CudaAttribution.Models.Text;

/// <summary>
/// Tokens and merges of a byte-level BPE vocabulary in CLIP's spelling: a byte is written as one printable character (<see cref="ByteSymbols"/>), and
/// <c>&lt;/w&gt;</c> marks the end of a word.
/// </summary>
internal sealed class ClipVocabulary
{
    public const string EndOfWord = "</w>", VocabularyFile = "vocab.json", MergesFile = "merges.txt", FirstLine = "#version:";

    /// <summary>Tokens of OpenAI's vocabulary: 256 bytes, each within and at the end of a word, the merges, start and end of a text.</summary>
    public const int OriginalTokens = 49_408;

    // Ten times what is usual; a larger file is none of these.
    private const int MostBytes = 32 << 20;

    private ClipVocabulary(IReadOnlyList<string> tokens, Dictionary<string, int> ids, IReadOnlyList<Merge> merges)
    {
        Tokens = tokens;
        Ids = ids;
        Merges = merges;
    }

    /// <summary>The token of each byte: itself where it is printable in Latin-1, the others from U+0100 on in order.</summary>
    public static IReadOnlyList<char> ByteSymbols { get; } = MakeByteSymbols();

    public IReadOnlyList<string> Tokens { get; }

    public IReadOnlyDictionary<string, int> Ids { get; }

    /// <summary>
    /// By falling priority; both sides and the whole are tokens, no two are of the same sides, and each stands behind all that make one of its sides. So
    /// a merge never makes a pair that should have been merged before it, and merging pair by pair is merging rank by rank.
    /// </summary>
    public IReadOnlyList<Merge> Merges { get; }

    /// <summary>Reads <c>vocab.json</c> and <c>merges.txt</c>.</summary>
    /// <exception cref="ModelFileException">A file is missing or broken, or they do not fit each other.</exception>
    public static ClipVocabulary Load(string folder)
    {
        string vocabularyPath = Path.Combine(folder, VocabularyFile), mergesPath = Path.Combine(folder, MergesFile);
        RequireSize(vocabularyPath);
        string[] tokens = TokensInOrder(ConfigJson.Load(vocabularyPath, "the tokenizer's vocabulary"), vocabularyPath);
        if (!File.Exists(mergesPath))
        {
            throw new ModelFileException(
                $"{mergesPath} does not exist: it holds the merges of the tokenizer whose vocabulary is {vocabularyPath}. Copy it from the same "
                + "model");
        }
        RequireSize(mergesPath);
        string[] lines = Lines(File.ReadAllBytes(mergesPath), mergesPath);
        return Create(tokens, lines.AsSpan(1), mergesPath, vocabularyPath);
    }

    /// <summary>Reads OpenAI's <c>bpe_simple_vocab_16e6.txt</c>, packed with gzip or not; of its merges the first 48,894 count.</summary>
    /// <param name="stream">The file.</param>
    /// <param name="source">Its name, for errors.</param>
    /// <exception cref="ModelFileException">It is not that file.</exception>
    public static ClipVocabulary LoadOriginal(Stream stream, string source)
    {
        string[] lines = Lines(Unpack(stream, source), source);
        int merges = OriginalTokens - 2 * ByteSymbols.Count - 2;
        if (lines.Length <= merges)
        {
            throw new ModelFileException(
                $"{source} has {lines.Length - 1} merges, at least {merges} are expected: it is cut short or of another vocabulary");
        }
        // The original numbers the bytes in the order of their symbols.
        string[] bytes = [.. ByteSymbols.Order().Select(s => s.ToString())];
        var kept = lines.AsSpan(1, merges);
        string[] tokens =
        [
            .. bytes, .. bytes.Select(b => b + EndOfWord), .. kept.ToArray().Select(line => line.Replace(" ", "", StringComparison.Ordinal)),
            ClipWordSplitter.StartOfText, ClipWordSplitter.EndOfText,
        ];
        return Create(tokens, kept, source, source);
    }

    /// <summary>Writes <c>vocab.json</c> and <c>merges.txt</c> into an existing folder.</summary>
    public void Save(string folder)
    {
        var vocabulary = new JsonObject(Tokens.Select((token, id) => KeyValuePair.Create<string, JsonNode?>(token, id)));
        File.WriteAllText(Path.Combine(folder, VocabularyFile), ConfigJson.Text(vocabulary));
        var merges = new StringBuilder($"{FirstLine} 0.2\n");
        foreach (var merge in Merges) merges.Append(merge.Left).Append(' ').Append(merge.Right).Append('\n');
        File.WriteAllText(Path.Combine(folder, MergesFile), merges.ToString());
    }

    private static char[] MakeByteSymbols()
    {
        char[] symbols = new char[256];
        int next = 256;
        for (int b = 0; b < symbols.Length; b++)
        {
            symbols[b] = b is (>= '!' and <= '~') or (>= 0xa1 and <= 0xff and not 0xad) ? (char)b : (char)next++;
        }
        return symbols;
    }

    private static string[] TokensInOrder(JsonObject vocabulary, string path)
    {
        string?[] tokens = new string?[vocabulary.Count];
        foreach (var (token, value) in vocabulary)
        {
            if (value is not JsonValue number || !number.TryGetValue(out int id) || id < 0 || id >= tokens.Length || tokens[id] is not null)
            {
                throw new ModelFileException(
                    $"{path}: '{token}' has the number {value?.ToJsonString() ?? "null"}; the numbers must be 0 to {tokens.Length - 1}, each once");
            }
            tokens[id] = token;
        }
        return tokens!;
    }

    private static ClipVocabulary Create(string[] tokens, ReadOnlySpan<string> lines, string mergesPath, string vocabularyPath)
    {
        var ids = new Dictionary<string, int>(tokens.Length, StringComparer.Ordinal);
        for (int id = 0; id < tokens.Length; id++)
        {
            if (!ids.TryAdd(tokens[id], id)) throw new ModelFileException($"{vocabularyPath} makes the token '{tokens[id]}' more than once");
        }
        var merges = new List<Merge>(lines.Length);
        var numbers = new Dictionary<(string, string), int>(lines.Length);
        var merged = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int i = 0; i < lines.Length; i++)
        {
            int number = i + 2;
            if (lines[i].Split(' ') is not [{ Length: > 0 } left, { Length: > 0 } right])
            {
                throw new ModelFileException($"{mergesPath}: line {number} is '{lines[i]}'; a merge is two tokens with a space between them");
            }
            if (!numbers.TryAdd((left, right), number))
            {
                throw new ModelFileException($"{mergesPath}: line {number} repeats line {numbers[(left, right)]} ('{lines[i]}')");
            }
            foreach (string token in (ReadOnlySpan<string>)[left, right, left + right])
            {
                if (ids.ContainsKey(token)) continue;
                throw new ModelFileException(
                    $"{mergesPath}: line {number} ('{lines[i]}') needs the token '{token}', which {vocabularyPath} does not have; take both files "
                    + "from the same model");
            }
            merged.TryAdd(left, number);
            merged.TryAdd(right, number);
            if (merged.TryGetValue(left + right, out int earlier))
            {
                throw new ModelFileException(
                    $"{mergesPath}: line {number} ('{lines[i]}') makes a token that line {earlier} merges already; the merges must stand in the order in "
                    + "which training made them");
            }
            merges.Add(new Merge(left, right));
        }
        return new ClipVocabulary(tokens, ids, merges);
    }

    /// <summary>The lines of a list of merges, the first among them, white space at the end of the file aside.</summary>
    private static string[] Lines(byte[] bytes, string source)
    {
        string text;
        try
        {
            text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes).TrimEnd();
        }
        catch (ArgumentException e)
        {
            throw new ModelFileException($"{source} is not a list of merges: it is not a text in UTF-8", e);
        }
        string[] lines = text.Split('\n');
        for (int i = 0; i < lines.Length; i++) lines[i] = lines[i].TrimEnd('\r');
        if (lines[0].Contains(FirstLine, StringComparison.Ordinal)) return lines;
        string first = lines[0].Length > 40 ? lines[0][..40] + "…" : lines[0];
        throw new ModelFileException($"{source} is not a list of merges: its first line must be '{FirstLine} 0.2', it is '{first}'");
    }

    private static byte[] Unpack(Stream stream, string source)
    {
        using var memory = new MemoryStream();
        try
        {
            Span<byte> magic = stackalloc byte[2];
            int read = stream.ReadAtLeast(magic, magic.Length, throwOnEndOfStream: false);
            stream.Position = 0;
            bool packed = read == 2 && magic[0] == 0x1f && magic[1] == 0x8b;
            if (!packed && source.EndsWith(".gz", StringComparison.OrdinalIgnoreCase))
            {
                throw new ModelFileException($"{source} is not a gzip file; take away its ending .gz if it is a plain text");
            }
            using Stream plain = packed ? new GZipStream(stream, CompressionMode.Decompress, leaveOpen: true) : new BufferedStream(stream);
            Span<byte> block = stackalloc byte[8192];
            while (plain.Read(block) is > 0 and var count)
            {
                if (memory.Length + count > MostBytes) throw new ModelFileException(TooLarge(source));
                memory.Write(block[..count]);
            }
            return memory.ToArray();
        }
        catch (InvalidDataException e)
        {
            throw new ModelFileException($"{source} is damaged: {e.Message}", e);
        }
    }

    private static void RequireSize(string path)
    {
        if (new FileInfo(path) is { Exists: true, Length: > MostBytes }) throw new ModelFileException(TooLarge(path));
    }

    private static string TooLarge(string path) => $"{path} has more than {MostBytes >> 20} MiB and is no file of a CLIP tokenizer";

    /// <summary>Two neighbouring tokens that become one.</summary>
    public readonly record struct Merge(string Left, string Right);
}
