using CudaAttribution.Tensors.Weights.Torch;

namespace CudaAttribution.Tensors.Weights;

/// <summary>Opens files of weights of any supported kind.</summary>
public static class WeightFiles
{
    /// <summary>
    /// Opens a safetensors file, a file of <c>torch.save</c>, or a set of such files by its index (<c>*.index.json</c>). Which of the first two it is
    /// is told by its content, not by its name.
    /// </summary>
    /// <exception cref="WeightFileException">It is none of these, damaged, or cannot be opened; the message says why and what to do.</exception>
    public static IWeightSource Open(string path)
    {
        if (Directory.Exists(path)) throw new WeightFileException(path, null, "it is a folder, the file of weights in it is needed");
        if (IsIndex(path)) return ShardedWeights.Open(path);
        try
        {
            bool safetensors;
            using (var file = new WeightStream(path))
            {
                bool named = path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase);
                safetensors = FileFormats.IsSafetensors(file) || (named && !FileFormats.IsZip(file) && FileFormats.Explain(file) is null);
            }
            return safetensors ? SafetensorsFile.Open(path) : TorchFile.Open(path);
        }
        catch (Exception e) when (e is (IOException or UnauthorizedAccessException) and not WeightFileException)
        {
            throw new WeightFileException(path, null, $"it cannot be opened: {e.Message}", e);
        }
    }

    /// <summary>
    /// Whether a name is that of the index of a sharded set: <c>model.safetensors.index.json</c>, <c>model.bin.index.fp16.json</c>.
    /// </summary>
    public static bool IsIndex(string path) =>
        path.EndsWith(".json", StringComparison.Ordinal) && Path.GetFileName(path).Contains(".index.", StringComparison.Ordinal);
}
