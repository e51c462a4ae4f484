using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.Files.Sources;
using CudaAttribution.Models.Text;

namespace CudaAttribution.Models.Files;

/// <summary>The tokenizer of a model, without the model.</summary>
public static class ModelTokenizer
{
    /// <param name="model">The model's folder or single file.</param>
    /// <exception cref="ModelFileException">A file is missing or unusable.</exception>
    public static ITokenizer Load(ModelReference model)
    {
        using var source = ModelSource.Open(model);
        return source.Tokenizer;
    }
}
