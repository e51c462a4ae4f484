#if MICROSOFTML_TOKENIZER
using CudaAttribution.Models.Text.MicrosoftML;
#endif

namespace CudaAttribution.Models.Text;

/// <summary>
/// Byte-pair encoding of single words over a <see cref="ClipVocabulary"/>: of all neighbouring pairs the one whose merge stands first is merged,
/// everywhere from left to right, until no pair has a merge. May be used from several threads at once.
/// </summary>
internal interface IBytePairEncoder
{
    /// <summary>Appends the token numbers of a word; what is not in the vocabulary becomes the number of the unknown token.</summary>
    /// <param name="word">Well-formed UTF-16, not empty.</param>
    /// <param name="ids">Where they go.</param>
    void Encode(ReadOnlySpan<char> word, List<int> ids);
}

/// <summary>The encoder of this build.</summary>
internal static class BytePairEncoders
{
    /// <summary>
    /// <see cref="BytePairEncoder"/>, or the one on Microsoft.ML.Tokenizers where the program was built with <c>-p:Tokenizer=MicrosoftML</c>.
    /// </summary>
    /// <param name="vocabulary">The vocabulary.</param>
    /// <param name="unknownToken">One of its tokens.</param>
    public static IBytePairEncoder Create(ClipVocabulary vocabulary, string unknownToken) =>
#if MICROSOFTML_TOKENIZER
        new MicrosoftMLBytePairEncoder(vocabulary, unknownToken);
#else
        new BytePairEncoder(vocabulary, unknownToken);
#endif
}
