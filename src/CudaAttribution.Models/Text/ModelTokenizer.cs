namespace CudaAttribution.Models;

/// <summary>The tokenizer of a model folder, without the model.</summary>
public static class ModelTokenizer
{
    /// <param name="folder">The folder with <c>model_index.json</c>.</param>
    /// <exception cref="ModelFileException">A file is missing or unusable.</exception>
    public static ITokenizer Load(string folder) => ModelIndex.ReadTokenizer(folder);
}
