using Microsoft.ML.Tokenizers;

namespace CudaAttribution.Models.Text;

/// <summary>
/// Byte-pair encoding of single words with Microsoft.ML.Tokenizers: of all neighbouring pairs the one whose merge stands first is merged, everywhere from
/// left to right, until no pair has a merge. The library gets single words: its own splitting works on .NET's regular expressions, which take letters
/// beyond U+FFFF for symbols. May be used from several threads at once.
/// </summary>
internal sealed class BytePairEncoder
{
    /// <summary>
    /// A word keeps room for this many of the longest tokens behind those asked for, and loses the rest: the library's time is quadratic in the word's
    /// length. What is cut off could change a token only through a chain of merges that reaches back over all of them.
    /// </summary>
    private const int KeptBehind = 64;

    private readonly BpeTokenizer _tokenizer;
    private readonly int _longestToken;

    /// <param name="vocabulary">The vocabulary.</param>
    /// <param name="unknownToken">One of its tokens.</param>
    public BytePairEncoder(ClipVocabulary vocabulary, string unknownToken)
    {
        _tokenizer = BpeTokenizer.Create(
            new BpeOptions(vocabulary.Ids)
            {
                Merges = vocabulary.Merges.Select(m => $"{m.Left} {m.Right}"),
                ByteLevel = true,
                EndOfWordSuffix = ClipVocabulary.EndOfWord,
                UnknownToken = unknownToken,
            });
        _longestToken = vocabulary.Merges.Select(m => m.Left.Length + m.Right.Length).DefaultIfEmpty(1).Max();
    }

    /// <summary>Appends the token numbers of a word; what is not in the vocabulary becomes the number of the unknown token.</summary>
    /// <param name="word">Well-formed UTF-16, not empty.</param>
    /// <param name="ids">Where they go.</param>
    /// <param name="enough">How many of them count; of a word that long the rest may be left out.</param>
    public void Encode(ReadOnlySpan<char> word, List<int> ids, int enough)
    {
        // A character is one byte or more, and a byte is one character of a token.
        long kept = (long)(enough + KeptBehind) * _longestToken;
        if (word.Length > kept) word = word[..(char.IsHighSurrogate(word[(int)kept - 1]) ? (int)kept - 1 : (int)kept)];
        ids.AddRange(_tokenizer.EncodeToIds(word, considerPreTokenization: false, considerNormalization: false));
    }
}
