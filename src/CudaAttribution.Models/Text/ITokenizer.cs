namespace CudaAttribution.Models.Text;

/// <summary>Turns prompts into token numbers of one length. Pure: the same text gives the same numbers, whatever else is in the batch.</summary>
public interface ITokenizer
{
    /// <summary>The library that stands with the class name in <c>model_index.json</c>.</summary>
    string Library { get; }

    /// <summary>The class name that stands in <c>model_index.json</c>.</summary>
    string Name { get; }

    /// <summary>Number of tokens: every number given is in [0, VocabSize).</summary>
    int VocabSize { get; }

    /// <summary>Tokens of one prompt, start, end and padding included. Longer prompts lose their tail and keep the end token.</summary>
    int MaxLength { get; }

    /// <summary>Token numbers of a batch, row-major [texts.Count, MaxLength].</summary>
    int[] Encode(IReadOnlyList<string> texts);

    /// <summary>Writes the tokenizer's files into an existing folder.</summary>
    void Save(string folder);
}
