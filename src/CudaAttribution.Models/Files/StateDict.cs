using CudaAttribution.Models.Configuration;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Models.Files;

/// <summary>
/// Parameters and buffers of a single network as a file, under PyTorch's names and in its layout: what <c>torch.save(model.state_dict())</c> and
/// safetensors hold.
/// </summary>
public static class StateDict
{
    /// <summary>Sets every parameter and buffer from a safetensors file or one of <c>torch.save</c>; nothing is set where anything does not fit.</summary>
    /// <exception cref="ModelFileException">
    /// The file cannot be read, a tensor is missing, superfluous or misshapen (the message lists them), or a value is NaN or infinite.
    /// </exception>
    public static void Load(string path, ParameterSet network)
    {
        try
        {
            using var source = WeightFiles.Open(path);
            WeightFile.Load(source, new ModelPart(network, ""));
        }
        catch (WeightFileException e)
        {
            throw new ModelFileException($"the weights cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Writes a safetensors file; it appears whole or not at all.</summary>
    /// <param name="path">Where to.</param>
    /// <param name="network">The network, frozen.</param>
    /// <param name="type">Type of the floating-point tensors: F32, F16 or BF16.</param>
    /// <exception cref="WeightFileException">A number has no finite value in <paramref name="type"/>, or the file cannot be written.</exception>
    public static void Save(string path, ParameterSet network, DType type = DType.F32) => WeightFile.Save(path, new ModelPart(network, ""), type);
}
