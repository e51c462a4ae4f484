using CudaAttribution.Models.Text;
using CudaAttribution.Models.Text.MicrosoftML;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests.MicrosoftML;

/// <summary>The contract with Microsoft.ML.Tokenizers; compiled only with <c>-p:Tokenizer=MicrosoftML</c>.</summary>
public class MicrosoftMLClipTokenizerTests : ClipTokenizerContract
{
    [Test]
    public void TheBuildTakesTheLibrary() =>
        Assert.That(BytePairEncoders.Create(ClipTokenizer.OriginalVocabulary, ClipTokenizer.EndOfText), Is.TypeOf<MicrosoftMLBytePairEncoder>());

    private protected override IBytePairEncoder Encoder(ClipVocabulary vocabulary, string unknownToken) =>
        new MicrosoftMLBytePairEncoder(vocabulary, unknownToken);
}
