using System.Text.Json.Nodes;
using CudaAttribution.Models.Configuration;

namespace CudaAttribution.Models.Text;

/// <summary>
/// What <c>tokenizer_config.json</c> and <c>special_tokens_map.json</c> say of a <c>CLIPTokenizer</c>. Both may be missing; the defaults are those of
/// transformers' class.
/// </summary>
internal sealed record ClipTokenizerConfig
{
    public const string ClassName = "CLIPTokenizer", FastClassName = "CLIPTokenizerFast";

    public const string ConfigFile = "tokenizer_config.json", SpecialTokensFile = "special_tokens_map.json", AddedTokensFile = "added_tokens.json";

    private const int Shortest = 3, Longest = 1 << 16;

    private static readonly Dictionary<string, string[]> Pinned = new()
    {
        ["add_prefix_space"] = ["false"],
        ["additional_special_tokens"] = ["null", "[]"],
        ["do_lower_case"] = ["true"],
        ["extra_special_tokens"] = ["null", "{}", "[]"],
        ["padding_side"] = ["\"right\""],
        ["tokenizer_class"] = [$"\"{ClassName}\"", $"\"{FastClassName}\""],
        ["truncation_side"] = ["\"right\""],
    };

    private static readonly HashSet<string> Metadata =
    [
        "_commit_hash", "backend", "clean_up_tokenization_spaces", "errors", "is_local", "model_input_names", "name_or_path", "processor_class",
        "special_tokens_map_file", "tokenizer_file", "use_fast",
    ];

    public string BosToken { get; init; } = ClipWordSplitter.StartOfText;

    public string EosToken { get; init; } = ClipWordSplitter.EndOfText;

    public string UnkToken { get; init; } = ClipWordSplitter.EndOfText;

    public string PadToken { get; init; } = ClipWordSplitter.EndOfText;

    /// <summary>Tokens of a prompt, start, end and padding included.</summary>
    public int ModelMaxLength { get; init; } = 77;

    /// <summary>
    /// Reads a tokenizer's folder. As in transformers, the map of special tokens overrules the configuration unless this lists its tokens itself
    /// (<c>added_tokens_decoder</c>): so it is that Stable Diffusion 2 pads with "!" though its configuration says otherwise.
    /// </summary>
    /// <exception cref="ModelFileException">A value is not supported, or a token is not in the vocabulary.</exception>
    public static ClipTokenizerConfig Load(string folder, ClipVocabulary vocabulary)
    {
        string path = Path.Combine(folder, ConfigFile), mapPath = Path.Combine(folder, SpecialTokensFile);
        string addedPath = Path.Combine(folder, AddedTokensFile);
        var file = File.Exists(path) ? ClipTokenizerFile.Read(path, Pinned, Metadata) : new ClipTokenizerFile();
        foreach (var (id, token) in file.AddedTokensDecoder ?? []) RequireKnown(vocabulary, ClipTokenizerFile.Content(token), id, path);
        if (File.Exists(addedPath))
        {
            foreach (var (token, id) in ConfigJson.Load(addedPath, "added tokens")) RequireKnown(vocabulary, token, id?.ToJsonString(), addedPath);
        }
        if (File.Exists(mapPath))
        {
            var map = ClipTokenizerFile.Read(mapPath, Pinned, Metadata);
            if (file.AddedTokensDecoder is null) file = file.OverruledBy(map);
        }
        var config = file.Apply(new ClipTokenizerConfig());
        return config.Problem(vocabulary) is { } problem ? throw new ModelFileException($"{folder}: {problem}") : config;
    }

    /// <summary>Writes both files as transformers reads them.</summary>
    public void Save(string folder)
    {
        var json = new JsonObject
        {
            ["add_prefix_space"] = false,
            ["do_lower_case"] = true,
            ["errors"] = "replace",
            ["tokenizer_class"] = ClassName,
        };
        File.WriteAllText(Path.Combine(folder, ConfigFile), ConfigJson.Write(this, json));
        var tokens = new JsonObject
        {
            ["bos_token"] = BosToken,
            ["eos_token"] = EosToken,
            ["pad_token"] = PadToken,
            ["unk_token"] = UnkToken,
        };
        File.WriteAllText(Path.Combine(folder, SpecialTokensFile), ConfigJson.Text(tokens));
    }

    /// <summary>What cannot be used, as a sentence; null where nothing is.</summary>
    public string? Problem(ClipVocabulary vocabulary)
    {
        foreach (string token in (ReadOnlySpan<string>)[BosToken, EosToken, UnkToken, PadToken])
        {
            if (!vocabulary.Ids.ContainsKey(token)) return $"the special token '{token}' is not in the tokenizer's vocabulary";
        }
        return ModelMaxLength is >= Shortest and <= Longest
            ? null
            : $"model_max_length must be {Shortest} (start, one token, end) to {Longest}, it is {ModelMaxLength}";
    }

    private static void RequireKnown(ClipVocabulary vocabulary, JsonNode? token, string? id, string path)
    {
        if (token?.ToString() is { } text && vocabulary.Ids.TryGetValue(text, out int known) && id == $"{known}") return;
        throw new ModelFileException(
            $"{path} adds the token '{token}' as number {id}, which the tokenizer's vocabulary does not have; tokens added to a model "
            + "(textual inversion) are not supported");
    }
}

/// <summary>One of the two files as it stands; what it does not say is null.</summary>
internal sealed record ClipTokenizerFile
{
    public string? BosToken { get; init; }

    public string? EosToken { get; init; }

    public string? UnkToken { get; init; }

    public string? PadToken { get; init; }

    public int? ModelMaxLength { get; init; }

    public JsonObject? AddedTokensDecoder { get; init; }

    /// <exception cref="ModelFileException">It is no such file.</exception>
    public static ClipTokenizerFile Read(string path, IReadOnlyDictionary<string, string[]> pinned, IReadOnlySet<string> metadata)
    {
        var json = ConfigJson.Load(path, "the tokenizer's configuration");
        foreach (var (key, value) in json.ToArray())
        {
            if (Content(value) is { } content) json[key] = content.DeepClone();
        }
        return ConfigJson.Read<ClipTokenizerFile>(json, path, pinned, metadata);
    }

    /// <summary>The text of a token that is written as an object with its properties; transformers writes it so or as a string.</summary>
    public static JsonNode? Content(JsonNode? token) => (token as JsonObject)?["content"];

    public ClipTokenizerFile OverruledBy(ClipTokenizerFile other) => new()
    {
        BosToken = other.BosToken ?? BosToken,
        EosToken = other.EosToken ?? EosToken,
        UnkToken = other.UnkToken ?? UnkToken,
        PadToken = other.PadToken ?? PadToken,
        ModelMaxLength = other.ModelMaxLength ?? ModelMaxLength,
    };

    /// <summary>What the file says, the rest from <paramref name="defaults"/>.</summary>
    public ClipTokenizerConfig Apply(ClipTokenizerConfig defaults) => new()
    {
        BosToken = BosToken ?? defaults.BosToken,
        EosToken = EosToken ?? defaults.EosToken,
        UnkToken = UnkToken ?? defaults.UnkToken,
        PadToken = PadToken ?? defaults.PadToken,
        ModelMaxLength = ModelMaxLength ?? defaults.ModelMaxLength,
    };
}
