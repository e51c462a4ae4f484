namespace CudaAttribution.Tensors;

/// <summary>
/// A safetensors file cannot be used, or cannot be written. The message names the file, the tensor where it is about one, and the reason.
/// </summary>
public sealed class SafetensorsException : IOException
{
    public SafetensorsException(string path, string? tensor, string reason, Exception? inner = null)
        : base(tensor is null ? $"{path}: {reason}" : $"{path}: tensor '{tensor}': {reason}", inner)
    {
        (Path, Tensor, Reason) = (path, tensor, reason);
    }

    public string Path { get; }

    /// <summary>The tensor it is about; null where it is the file as a whole.</summary>
    public string? Tensor { get; }

    public string Reason { get; }
}
