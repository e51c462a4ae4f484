using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.Text;
using NUnit.Framework;
using NUnit.Framework.Constraints;

namespace CudaAttribution.Models.Tests;

/// <summary>Files of <see cref="ClipTokenizer"/>: each layout, the special tokens they name, and an error for every way to break one.</summary>
public class ClipTokenizerFilesTests
{
    private static readonly string[] Texts = ["a photo of a cat!", "naïve \U0001f431 12 <|endoftext|> it's", new string('z', 500), ""];

    private TemporaryFolder _folder = null!;

    [SetUp]
    public void SetUp() => _folder = new TemporaryFolder();

    [TearDown]
    public void TearDown() => _folder.Dispose();

    [TestCase("<|endoftext|>", 77)]
    [TestCase("!", 77)]
    [TestCase("!", 20)]
    public void SavedAndLoadedIsTheSame(string padding, int length)
    {
        var tokenizer = ClipTokenizer.OpenAI(padding, length);
        tokenizer.Save(_folder.Path);
        var loaded = ClipTokenizer.Load(_folder.Path);
        Assert.That(
            (loaded.VocabSize, loaded.MaxLength, loaded.PaddingId, loaded.Library, loaded.Name),
            Is.EqualTo((49408, length, padding == "!" ? 0 : 49407, "transformers", "CLIPTokenizer")));
        Assert.That(loaded.Encode(Texts), Is.EqualTo(tokenizer.Encode(Texts)));
    }

    [Test]
    public void TheFilesAreThoseOfTransformers()
    {
        ClipTokenizer.OpenAI("!").Save(_folder.Path);
        var vocabulary = JsonNode.Parse(File.ReadAllText(_folder["vocab.json"]))!.AsObject();
        Assert.That(vocabulary, Has.Count.EqualTo(49408));
        Assert.That(
            new[] { "!", "a", "Ġ", "!</w>", "a</w>", "in", "cat</w>", "<|startoftext|>", "<|endoftext|>" }.Select(t => (int)vocabulary[t]!),
            Is.EqualTo(new[] { 0, 64, 220, 256, 320, 512, 2368, 49406, 49407 }));
        string[] merges = File.ReadAllLines(_folder["merges.txt"]);
        Assert.That((merges.Length, merges[0], merges[1], merges[^1]), Is.EqualTo((48895, "#version: 0.2", "i n", "jeky ll</w>")));
        var config = JsonNode.Parse(File.ReadAllText(_folder["tokenizer_config.json"]))!.AsObject();
        Assert.That(config.Select(k => k.Key).Order(), Is.EqualTo(new[]
        {
            "add_prefix_space", "bos_token", "do_lower_case", "eos_token", "errors", "model_max_length", "pad_token", "tokenizer_class", "unk_token",
        }));
        var special = JsonNode.Parse(File.ReadAllText(_folder["special_tokens_map.json"]))!.AsObject();
        foreach (var json in new[] { config, special })
        {
            Assert.That(
                ((string)json["bos_token"]!, (string)json["eos_token"]!, (string)json["pad_token"]!, (string)json["unk_token"]!),
                Is.EqualTo(("<|startoftext|>", "<|endoftext|>", "!", "<|endoftext|>")));
        }
        Assert.That((string)config["tokenizer_class"]!, Is.EqualTo("CLIPTokenizer"));
    }

    [TestCase("bpe_simple_vocab_16e6.txt", false)]
    [TestCase("bpe_simple_vocab_16e6.txt.gz", true)]
    public void TheOriginalFileIsReadAloneOrInAFolder(string name, bool packed)
    {
        WriteOriginal(_folder[name], packed, OriginalLines());
        File.WriteAllText(_folder["special_tokens_map.json"], """{"pad_token": "!"}""");
        int[] expected = ClipTokenizer.OpenAI().Encode(Texts);
        Assert.That(ClipTokenizer.Load(_folder[name]).Encode(Texts), Is.EqualTo(expected));
        Assert.That(ClipTokenizer.Load(_folder.Path).Encode(Texts), Is.EqualTo(ClipTokenizer.OpenAI("!").Encode(Texts)));
    }

    [Test]
    public void WithoutConfigurationTheDefaultsOfTransformersHold()
    {
        SaveOpenAI();
        File.Delete(_folder["tokenizer_config.json"]);
        File.Delete(_folder["special_tokens_map.json"]);
        Assert.That(ClipTokenizer.Load(_folder.Path).Encode(Texts), Is.EqualTo(ClipTokenizer.OpenAI().Encode(Texts)));
    }

    [Test]
    public void LinesMayEndInCarriageReturns()
    {
        SaveOpenAI();
        File.WriteAllText(_folder["merges.txt"], File.ReadAllText(_folder["merges.txt"]).Replace("\n", "\r\n", StringComparison.Ordinal));
        Assert.That(ClipTokenizer.Load(_folder.Path).Encode(Texts), Is.EqualTo(ClipTokenizer.OpenAI().Encode(Texts)));
    }

    // What Stable Diffusion 2's two files say; newer versions of transformers write added_tokens_decoder and then do not read the map.
    [TestCase("""{"pad_token": "<|endoftext|>"}""", """{"pad_token": "!"}""", 0)]
    [TestCase("""{"pad_token": "!"}""", """{"pad_token": "<|endoftext|>"}""", 49407)]
    [TestCase("""{"pad_token": "!"}""", """{"bos_token": "<|startoftext|>"}""", 0)]
    [TestCase("""{"pad_token": "!"}""", null, 0)]
    [TestCase(null, """{"pad_token": {"content": "!", "lstrip": false, "normalized": false}}""", 0)]
    [TestCase("""{"pad_token": "<|endoftext|>", "added_tokens_decoder": {"0": {"content": "!"}}}""", """{"pad_token": "!"}""", 49407)]
    [TestCase("""{"pad_token": {"__type": "AddedToken", "content": "!"}, "name_or_path": "x"}""", """{}""", 0)]
    public void ThePaddingTokenIsFoundAsTransformersFindsIt(string? config, string? map, int expected)
    {
        SaveOpenAI();
        Replace("tokenizer_config.json", config);
        Replace("special_tokens_map.json", map);
        var tokenizer = ClipTokenizer.Load(_folder.Path);
        Assert.That((tokenizer.PaddingId, tokenizer.Encode([""])[76]), Is.EqualTo((expected, expected)));
    }

    [TestCase("tokenizer_config.json", """{"pad_token": "<pad>"}""", "'<pad>'", "vocabulary")]
    [TestCase("tokenizer_config.json", """{"model_max_length": 2}""", "model_max_length", "it is 2")]
    [TestCase("tokenizer_config.json", """{"model_max_length": 1000000000000000019884624838656}""", "model_max_length", "tokenizer_config.json")]
    [TestCase("tokenizer_config.json", """{"model_max_length": "77"}""", "model_max_length", "tokenizer_config.json")]
    [TestCase("tokenizer_config.json", """{"bos_token": 3}""", "bos_token", "tokenizer_config.json")]
    [TestCase("tokenizer_config.json", """{"do_lower_case": false}""", "'do_lower_case': false", "only true")]
    [TestCase("tokenizer_config.json", """{"tokenizer_class": "T5Tokenizer"}""", "T5Tokenizer", "CLIPTokenizer")]
    [TestCase("tokenizer_config.json", """{"padding_side": "left"}""", "left", "right")]
    [TestCase("tokenizer_config.json", """{"strip_accents": true}""", "'strip_accents'", "not known")]
    [TestCase("tokenizer_config.json", """{"added_tokens_decoder": {"49408": {"content": "<concept>"}}}""", "'<concept>'", "49408")]
    [TestCase("tokenizer_config.json", """{"added_tokens_decoder": {"5": {"content": "!"}}}""", "'!'", "number 5")]
    [TestCase("tokenizer_config.json", """{"added_tokens_decoder": {"5": "!"}}""", "tokenizer_config.json", "number 5")]
    [TestCase("tokenizer_config.json", "[]", "tokenizer_config.json", "object")]
    [TestCase("tokenizer_config.json", """{"pad_token": """, "tokenizer_config.json", "not valid JSON")]
    [TestCase("special_tokens_map.json", """{"additional_special_tokens": ["concept"]}""", "[\"concept\"]", "special_tokens_map.json")]
    [TestCase("special_tokens_map.json", """{"eos_token": "</s>"}""", "'</s>'", "vocabulary")]
    [TestCase("added_tokens.json", """{"<concept>": 49408}""", "'<concept>'", "textual inversion")]
    public void AConfigurationThatCannotBeUsedIsRefused(string file, string json, string what, string why)
    {
        SaveOpenAI();
        Replace("special_tokens_map.json", null);
        Replace(file, json);
        Assert.That(Loading, Refused(what, why));
    }

    [Test]
    public void AddedTokensThatTheVocabularyHasAreNone()
    {
        SaveOpenAI();
        Replace("added_tokens.json", """{"<|startoftext|>": 49406}""");
        Assert.That(Loading, Throws.Nothing);
    }

    [TestCase("""{"a": 0, "b": 2}""", "'b' has the number 2", "0 to 1")]
    [TestCase("""{"a": 0, "b": 0}""", "'b' has the number 0", "each once")]
    [TestCase("""{"a": -1}""", "-1", "0 to 0")]
    [TestCase("""{"a": "x"}""", "\"x\"", "numbers")]
    [TestCase("""{"a": 1.5}""", "1.5", "numbers")]
    [TestCase("""{"a": 0, "a": 1}""", "not valid JSON", "vocab.json")]
    [TestCase("""{"a": 0""", "not valid JSON", "vocab.json")]
    [TestCase("[]", "object", "vocab.json")]
    [TestCase("{}", "'a'", "needs the token")]
    public void ABrokenVocabularyIsRefused(string vocabulary, string what, string why)
    {
        Replace("vocab.json", vocabulary);
        Replace("merges.txt", "#version: 0.2\na b\n");
        Assert.That(Loading, Refused(what, why));
    }

    [TestCase("#version: 0.2\nl o\nq o\n", "line 3 ('q o')", "'q'")]
    [TestCase("#version: 0.2\nl o\no q\n", "line 3 ('o q')", "'q'")]
    [TestCase("#version: 0.2\nl o\ns t\n", "line 3 ('s t')", "'st'")]
    [TestCase("#version: 0.2\nl o\ne r</w>\nl o\n", "line 4", "repeats line 2")]
    [TestCase("#version: 0.2\nl\n", "line 2 is 'l'", "two tokens")]
    [TestCase("#version: 0.2\nl o w\n", "line 2 is 'l o w'", "two tokens")]
    [TestCase("#version: 0.2\nl  o\n", "line 2", "two tokens")]
    [TestCase("#version: 0.2\nl o\n\ne r</w>\n", "line 3 is ''", "two tokens")]
    [TestCase("l o\nlo w</w>\n", "first line", "'l o'")]
    [TestCase("", "first line", "''")]
    [TestCase("\0\u0001\u0002", "first line", "merges.txt")]
    public void BrokenMergesAreRefused(string merges, string what, string why)
    {
        ClipTokenizerTests.WriteSmall(_folder.Path, "<unk>");
        Replace("merges.txt", merges);
        Assert.That(Loading, Refused(what, why));
    }

    [Test]
    public void MergesThatAreNoTextAreRefused()
    {
        ClipTokenizerTests.WriteSmall(_folder.Path, "<unk>");
        File.WriteAllBytes(_folder["merges.txt"], [0x23, 0xff, 0xfe, 0x80]);
        Assert.That(Loading, Refused("merges.txt", "UTF-8"));
    }

    [TestCase("vocab.json")]
    [TestCase("merges.txt")]
    public void AMissingFileIsNamed(string file)
    {
        ClipTokenizerTests.WriteSmall(_folder.Path, "<unk>");
        File.Delete(_folder[file]);
        Assert.That(Loading, Throws.TypeOf<ModelFileException>().With.Message.Contains($"{_folder[file]} does not exist"));
    }

    [Test]
    public void AMissingFolderIsNamed() =>
        Assert.That(
            () => ClipTokenizer.Load(_folder["none"]),
            Refused(_folder["none"], "vocab.json"));

    [TestCase("vocab.json")]
    [TestCase("merges.txt")]
    public void AHugeFileIsNotRead(string file)
    {
        ClipTokenizerTests.WriteSmall(_folder.Path, "<unk>");
        using (var stream = File.OpenWrite(_folder[file])) stream.SetLength(1L << 33);
        Assert.That(Loading, Refused(_folder[file], "32 MiB"));
    }

    [Test]
    public void APackedFileThatGrowsWithoutEndIsNotRead()
    {
        string path = _folder["bpe_simple_vocab_16e6.txt.gz"];
        using (var gzip = new GZipStream(File.Create(path), CompressionLevel.Fastest))
        {
            byte[] block = new byte[1 << 20];
            for (int i = 0; i < 64; i++) gzip.Write(block);
        }
        Assert.That(() => ClipTokenizer.Load(path), Refused(path, "32 MiB"));
    }

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(10)]
    [TestCase(100_000)]
    public void ACutPackedFileIsRefused(int length)
    {
        string path = _folder["bpe_simple_vocab_16e6.txt.gz"];
        WriteOriginal(path, packed: true, OriginalLines());
        File.WriteAllBytes(path, File.ReadAllBytes(path)[..length]);
        Assert.That(() => ClipTokenizer.Load(path), Throws.TypeOf<ModelFileException>().With.Message.Contains(path));
    }

    [Test]
    public void WhatIsNotPackedThoughItIsCalledSoIsRefused()
    {
        string path = _folder["bpe_simple_vocab_16e6.txt.gz"];
        WriteOriginal(path, packed: false, OriginalLines());
        Assert.That(() => ClipTokenizer.Load(path), Refused(path, "not a gzip"));
    }

    [Test]
    public void ADamagedPackedFileIsRefused()
    {
        string path = _folder["bpe_simple_vocab_16e6.txt.gz"];
        WriteOriginal(path, packed: true, OriginalLines());
        byte[] bytes = File.ReadAllBytes(path);
        bytes.AsSpan(5000, 200).Fill(0x55);
        File.WriteAllBytes(path, bytes);
        Assert.That(() => ClipTokenizer.Load(path), Throws.TypeOf<ModelFileException>().With.Message.Contains(path));
    }

    [Test]
    public void AnOriginalFileOfAnotherVocabularyIsRefused()
    {
        string path = _folder["bpe_simple_vocab_16e6.txt"];
        string[] lines = OriginalLines();
        WriteOriginal(path, packed: false, lines[..1000]);
        Assert.That(() => ClipTokenizer.Load(path), Refused(path, "999 merges"));
        WriteOriginal(path, packed: false, [.. lines[..5], "qqq zzz", .. lines[6..]]);
        Assert.That(() => ClipTokenizer.Load(path), Refused("line 6", "'qqq'"));
        WriteOriginal(path, packed: false, lines[1..]);
        Assert.That(() => ClipTokenizer.Load(path), Refused(path, "first line"));
    }

    [Test]
    public void ArgumentsOutsideTheVocabularyAreRefused()
    {
        Assert.That(() => ClipTokenizer.OpenAI("<pad>"), Throws.ArgumentException.With.Message.Contains("'<pad>'"));
        Assert.That(() => ClipTokenizer.OpenAI(maxLength: 2), Throws.ArgumentException.With.Message.Contains("it is 2"));
        Assert.That(() => ClipTokenizer.OpenAI().Encode([null!]), Throws.ArgumentNullException);
    }

    private static Constraint Refused(string what, string why) =>
        Throws.TypeOf<ModelFileException>().With.Message.Contains(what).And.Message.Contains(why);

    private void Loading() => ClipTokenizer.Load(_folder.Path);

    private void SaveOpenAI() => ClipTokenizer.OpenAI().Save(_folder.Path);

    /// <summary>Replaces a file, or deletes it.</summary>
    private void Replace(string file, string? text)
    {
        if (text is null) File.Delete(_folder[file]);
        else File.WriteAllText(_folder[file], text);
    }

    /// <summary>OpenAI's file made anew from the vocabulary, with merges behind those that count.</summary>
    private static string[] OriginalLines() =>
    [
        "\"bpe_simple_vocab_16e6.txt#version: 0.2",
        .. ClipTokenizer.OriginalVocabulary.Merges.Select(m => $"{m.Left} {m.Right}"),
        "more merges", "follow</w>",
    ];

    private static void WriteOriginal(string path, bool packed, string[] lines)
    {
        using Stream file = File.Create(path);
        using Stream stream = packed ? new GZipStream(file, CompressionLevel.Fastest) : file;
        stream.Write(Encoding.UTF8.GetBytes(string.Join('\n', lines) + "\n"));
    }
}
