using System.Runtime.InteropServices;
using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.Text.Cleaning;

namespace CudaAttribution.Models.Text;

/// <summary>
/// The byte-level BPE tokenizer of CLIP, as in OpenAI's <c>simple_tokenizer.py</c> and transformers' <c>CLIPTokenizer</c>: a prompt is cleaned
/// (<see cref="ClipTextCleaner"/>), split into words (<see cref="ClipWordSplitter"/>), and the UTF-8 bytes of each word are merged into tokens. The
/// result starts with the start token, ends with the end token, is cut to <see cref="MaxLength"/> with the end token kept, and filled up with the
/// padding token.
/// <para>Departures from the original:</para>
/// <list type="bullet">
/// <item>Of ftfy, the repair of wrongly decoded text is not done, see <see cref="TextFixes"/>; references nested deeper than 32 levels
/// (<c>&amp;amp;amp;…</c>) are not followed to the end.</item>
/// <item>Normalisation is that of Unicode 14, categories and lower case are those of the .NET runtime; the original takes all three from its Python.
/// </item>
/// <item>If the padding token is none of the two special ones (Stable Diffusion 2: "!"), it is taken out of the prompt before the clean-up, each
/// occurrence one padding token, as transformers and so diffusers do; OpenAI's and OpenCLIP's code reads <c>!</c> as an ordinary word.</item>
/// <item>Of a word that is far longer than the prompt's tokens could hold only the beginning is merged, see <see cref="BytePairEncoder"/>.</item>
/// </list>
/// transformers itself cleans in several ways, by version and by what is installed beside it: with ftfy it does not replace HTML references that ftfy
/// leaves (<c>&amp;copy</c> without semicolon, or behind a &lt;); without, it does not straighten quotes either. Plain captions come out the same.
/// </summary>
public sealed class ClipTokenizer : ITokenizer
{
    /// <summary>The class names of transformers that this class reads; it writes the first.</summary>
    public const string ClassName = ClipTokenizerConfig.ClassName, FastClassName = ClipTokenizerConfig.FastClassName;

    /// <summary>The padding token of Stable Diffusion 1.</summary>
    public const string EndOfText = ClipWordSplitter.EndOfText;

    private const string OriginalFile = "bpe_simple_vocab_16e6.txt", EmbeddedFile = "clip/bpe_simple_vocab_16e6.txt.gz";

    private static readonly Lazy<ClipVocabulary> Embedded = new(() =>
    {
        using var stream = typeof(ClipTokenizer).Assembly.GetManifestResourceStream(EmbeddedFile)
            ?? throw new InvalidOperationException($"the program was built without {EmbeddedFile}; build it from its complete source");
        return ClipVocabulary.LoadOriginal(stream, EmbeddedFile);
    });

    private readonly ClipVocabulary _vocabulary;
    private readonly ClipTokenizerConfig _config;
    private readonly BytePairEncoder _encoder;
    private readonly int _begin, _end, _pad;
    private readonly string? _reserved;

    /// <param name="vocabulary">The vocabulary.</param>
    /// <param name="config">Special tokens of the vocabulary, and the length.</param>
    internal ClipTokenizer(ClipVocabulary vocabulary, ClipTokenizerConfig config)
    {
        if (config.Problem(vocabulary) is { } problem) throw new ArgumentException(problem, nameof(config));
        (_vocabulary, _config, _encoder) = (vocabulary, config, new BytePairEncoder(vocabulary, config.UnkToken));
        (_begin, _end, _pad) = (vocabulary.Ids[config.BosToken], vocabulary.Ids[config.EosToken], vocabulary.Ids[config.PadToken]);
        _reserved = config.PadToken is ClipWordSplitter.StartOfText or ClipWordSplitter.EndOfText ? null : config.PadToken;
    }

    internal static ClipVocabulary OriginalVocabulary => Embedded.Value;

    public string Library => "transformers";

    public string Name => ClassName;

    public int VocabSize => _vocabulary.Tokens.Count;

    public int MaxLength => _config.ModelMaxLength;

    /// <summary>The number that fills a prompt up to <see cref="MaxLength"/>.</summary>
    public int PaddingId => _pad;

    /// <summary>The tokenizer with OpenAI's vocabulary, which comes with the program: 49,408 tokens.</summary>
    /// <param name="paddingToken"><see cref="EndOfText"/> for Stable Diffusion 1, <c>!</c> (number 0) for Stable Diffusion 2.</param>
    /// <param name="maxLength">Tokens of one prompt, at least 3.</param>
    /// <exception cref="ArgumentException">There is no such token, or the length is too small.</exception>
    public static ClipTokenizer OpenAI(string paddingToken = EndOfText, int maxLength = 77) =>
        new(OriginalVocabulary, new ClipTokenizerConfig { PadToken = paddingToken, ModelMaxLength = maxLength });

    /// <summary>
    /// Reads a folder with <c>vocab.json</c> and <c>merges.txt</c>, or with <c>bpe_simple_vocab_16e6.txt</c> or <c>.txt.gz</c>, and with
    /// <c>tokenizer_config.json</c> and <c>special_tokens_map.json</c> where these are there; or the file <c>bpe_simple_vocab_16e6.txt(.gz)</c>
    /// itself.
    /// </summary>
    /// <exception cref="ModelFileException">A file is missing or broken, or they do not fit each other.</exception>
    public static ClipTokenizer Load(string path)
    {
        var (vocabulary, config) = Read(path);
        return new ClipTokenizer(vocabulary, config);
    }

    public int[] Encode(IReadOnlyList<string> texts)
    {
        int[] ids = new int[texts.Count * MaxLength];
        for (int i = 0; i < texts.Count; i++) Encode(texts[i], ids.AsSpan(i * MaxLength, MaxLength));
        return ids;
    }

    /// <summary>
    /// Writes <c>vocab.json</c>, <c>merges.txt</c>, <c>tokenizer_config.json</c> and <c>special_tokens_map.json</c>, as transformers reads them, into
    /// an existing folder.
    /// </summary>
    public void Save(string folder)
    {
        _vocabulary.Save(folder);
        _config.Save(folder);
    }

    internal static (ClipVocabulary Vocabulary, ClipTokenizerConfig Config) Read(string path)
    {
        if (!Directory.Exists(path)) return (ReadOriginal(path), new ClipTokenizerConfig());
        bool current = File.Exists(Path.Combine(path, ClipVocabulary.VocabularyFile));
        string? original = new[] { OriginalFile, OriginalFile + ".gz" }.Select(f => Path.Combine(path, f)).FirstOrDefault(File.Exists);
        var vocabulary = current || original is null ? ClipVocabulary.Load(path) : ReadOriginal(original);
        return (vocabulary, ClipTokenizerConfig.Load(path, vocabulary));
    }

    private static ClipVocabulary ReadOriginal(string path)
    {
        if (!File.Exists(path))
        {
            throw new ModelFileException(
                $"{path} does not exist: name a tokenizer's folder, which has a {ClipVocabulary.VocabularyFile} and a {ClipVocabulary.MergesFile}, "
                + $"or OpenAI's {OriginalFile}.gz");
        }
        using var stream = File.OpenRead(path);
        return ClipVocabulary.LoadOriginal(stream, path);
    }

    private void Encode(string text, Span<int> ids)
    {
        ArgumentNullException.ThrowIfNull(text);
        var tokens = new List<int>(ids.Length);
        string[] parts = _reserved is null ? [text] : text.Split(_reserved);
        int room = ids.Length - 2;
        for (int i = 0; i < parts.Length && tokens.Count < room; i++)
        {
            if (i > 0) tokens.Add(_pad);
            AddTokens(parts[i], tokens, room);
        }
        int length = Math.Min(tokens.Count, room);
        ids.Fill(_pad);
        ids[0] = _begin;
        CollectionsMarshal.AsSpan(tokens)[..length].CopyTo(ids[1..]);
        ids[length + 1] = _end;
    }

    /// <summary>Appends the tokens of a text, at least until there are <paramref name="enough"/>.</summary>
    private void AddTokens(string text, List<int> tokens, int enough)
    {
        var words = new ClipWordSplitter(ClipTextCleaner.Clean(text));
        while (tokens.Count < enough && words.MoveNext())
        {
            if (words.Current is ClipWordSplitter.StartOfText or ClipWordSplitter.EndOfText) tokens.Add(Special(words.Current));
            else _encoder.Encode(words.Current, tokens, enough - tokens.Count);
        }
    }

    private int Special(ReadOnlySpan<char> token) =>
        _vocabulary.Ids.TryGetValue(token.ToString(), out int id) ? id : _vocabulary.Ids[_config.UnkToken];
}
