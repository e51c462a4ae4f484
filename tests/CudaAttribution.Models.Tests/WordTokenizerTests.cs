using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.Text;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests;

public class WordTokenizerTests
{
    private static readonly string[] Captions = ["A red Heart, love!", "a blue heart", "the red-faced cat"];

    [Test]
    public void VocabularyIsByFrequencyThenOrdinal()
    {
        var tokenizer = WordTokenizer.Train(Captions, maxLength: 8);
        // <pad> <bos> <eos> <unk> | a heart red (2 each) | blue cat faced love the (1 each)
        Assert.That(tokenizer.VocabSize, Is.EqualTo(12));
        Assert.That(tokenizer.Encode(["a heart red blue cat faced"]), Is.EqualTo(new[] { 1, 4, 5, 6, 7, 8, 9, 2 }));
        Assert.That(tokenizer.Encode(["love the"]), Is.EqualTo(new[] { 1, 10, 11, 2, 0, 0, 0, 0 }));
    }

    [Test]
    public void OrderOfTheCaptionsDoesNotMatter() =>
        Assert.That(WordTokenizer.Train(Captions.Reverse(), 8).Encode(Captions), Is.EqualTo(WordTokenizer.Train(Captions, 8).Encode(Captions)));

    [Test]
    public void CasePunctuationAndUnknownWords()
    {
        var tokenizer = WordTokenizer.Train(["naïve 3 cats"], 6);
        Assert.That(tokenizer.Encode(["  NAÏVE...3/CATS\t"]), Is.EqualTo(tokenizer.Encode(["naïve 3 cats"])));
        Assert.That(tokenizer.Encode(["naïve dogs"])[..4], Is.EqualTo(new[] { 1, tokenizer.Encode(["naïve"])[1], 3, 2 }));
        Assert.That(tokenizer.Encode(["<pad> <eos>"])[..4], Is.EqualTo(new[] { 1, 3, 3, 2 }), "special tokens cannot be written in a prompt");
    }

    [Test]
    public void LongPromptsKeepTheEndAndEmptyOnesAreOnlyEnds()
    {
        var tokenizer = WordTokenizer.Train(["one two three four five"], 4);
        int[] ids = tokenizer.Encode(["one two three four five", "", "🙂 !"]);
        Assert.That(ids, Has.Length.EqualTo(12));
        Assert.That((ids[0], ids[3]), Is.EqualTo((1, 2)));
        Assert.That(ids[4..], Is.EqualTo(new[] { 1, 2, 0, 0, 1, 2, 0, 0 }));
    }

    [Test]
    public void VocabularyLimitKeepsTheFrequentWords()
    {
        var tokenizer = WordTokenizer.Train(Captions, 8, maxVocabulary: 6);
        Assert.That(tokenizer.VocabSize, Is.EqualTo(6));
        Assert.That(tokenizer.Encode(["a heart red"])[..5], Is.EqualTo(new[] { 1, 4, 5, 3, 2 }));
        Assert.That(() => WordTokenizer.Train(Captions, 8, maxVocabulary: 3), Throws.ArgumentException);
        Assert.That(() => WordTokenizer.Train(Captions, 2), Throws.ArgumentException);
    }

    [Test]
    public void SavedAndLoadedIsTheSame()
    {
        using var folder = new TemporaryFolder();
        var tokenizer = WordTokenizer.Train(["naïve \"quoted\" café", "naïve"], 9);
        tokenizer.Save(folder.Path);
        var loaded = WordTokenizer.Load(folder.Path);
        Assert.That((loaded.VocabSize, loaded.MaxLength, loaded.Name), Is.EqualTo((tokenizer.VocabSize, 9, "WordTokenizer")));
        Assert.That(loaded.Encode(["café naïve quoted x"]), Is.EqualTo(tokenizer.Encode(["café naïve quoted x"])));
    }

    [TestCase("""{"<pad>":0,"<bos>":1,"<eos>":2,"<unk>":3,"a":5}""", "0 to 4")]
    [TestCase("""{"<pad>":0,"<bos>":1,"<eos>":2,"<unk>":3,"a":3}""", "each once")]
    [TestCase("""{"<pad>":0,"<bos>":1,"<eos>":2,"<unk>":3,"a":"x"}""", "'a'")]
    [TestCase("""{"<bos>":0,"<pad>":1,"<eos>":2,"<unk>":3}""", "first tokens")]
    [TestCase("""{"a":""", "not valid JSON")]
    [TestCase("""{"\ud83d":0}""", "not valid JSON")]
    [TestCase("""{"a":0,"a":1}""", "not valid JSON")]
    [TestCase("[]", "object")]
    public void ABrokenVocabularyIsRefused(string vocabulary, string reason)
    {
        using var folder = new TemporaryFolder();
        WordTokenizer.Train(Captions, 8).Save(folder.Path);
        File.WriteAllText(Path.Combine(folder.Path, "vocab.json"), vocabulary);
        Assert.That(
            () => WordTokenizer.Load(folder.Path),
            Throws.TypeOf<ModelFileException>().With.Message.Contains(reason).And.Message.Contains("vocab.json"));
    }

    [TestCase("vocab.json")]
    [TestCase("tokenizer_config.json")]
    public void AMissingFileIsNamed(string file)
    {
        using var folder = new TemporaryFolder();
        WordTokenizer.Train(Captions, 8).Save(folder.Path);
        string path = Path.Combine(folder.Path, file);
        File.Delete(path);
        Assert.That(() => WordTokenizer.Load(folder.Path), Throws.TypeOf<ModelFileException>().With.Message.Contains(path));
    }

    [Test]
    public void AMissingLengthIsRefused()
    {
        using var folder = new TemporaryFolder();
        WordTokenizer.Train(Captions, 8).Save(folder.Path);
        File.WriteAllText(Path.Combine(folder.Path, "tokenizer_config.json"), "{}");
        Assert.That(() => WordTokenizer.Load(folder.Path), Throws.TypeOf<ModelFileException>().With.Message.Contains("model_max_length"));
    }
}
