using Microsoft.ML.Tokenizers;

namespace CudaAttribution.Models.Text.MicrosoftML;

/// <summary>
/// The encoder on Microsoft.ML.Tokenizers, compiled only with <c>-p:Tokenizer=MicrosoftML</c>. The library gets single words: its own splitting works
/// on .NET's regular expressions, which take letters beyond U+FFFF for symbols.
/// </summary>
internal sealed class MicrosoftMLBytePairEncoder : IBytePairEncoder
{
    // The library removes merged symbols one by one, each in time linear in the word: a word of a million letters would take hours.
    private const int LongestWord = 1024;

    private readonly BpeTokenizer _tokenizer;
    private readonly BytePairEncoder _longWords;

    /// <param name="vocabulary">The vocabulary.</param>
    /// <param name="unknownToken">One of its tokens.</param>
    public MicrosoftMLBytePairEncoder(ClipVocabulary vocabulary, string unknownToken)
    {
        _tokenizer = BpeTokenizer.Create(new BpeOptions(vocabulary.Ids)
        {
            Merges = vocabulary.Merges.Select(m => $"{m.Left} {m.Right}"),
            ByteLevel = true,
            EndOfWordSuffix = ClipVocabulary.EndOfWord,
            UnknownToken = unknownToken,
        });
        _longWords = new BytePairEncoder(vocabulary, unknownToken);
    }

    public void Encode(ReadOnlySpan<char> word, List<int> ids)
    {
        if (word.Length > LongestWord) _longWords.Encode(word, ids);
        else ids.AddRange(_tokenizer.EncodeToIds(word, considerPreTokenization: false, considerNormalization: false));
    }
}
