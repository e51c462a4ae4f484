namespace CudaAttribution.Tensors.Weights;

/// <summary>
/// A safetensors file cannot be used, or cannot be written. The message names the file, the tensor where it is about one, and the reason.
/// </summary>
public sealed class SafetensorsException(string path, string? tensor, string reason, Exception? inner = null)
    : WeightFileException(path, tensor, reason, inner);
