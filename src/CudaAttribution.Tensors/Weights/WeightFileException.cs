namespace CudaAttribution.Tensors.Weights;

/// <summary>
/// A weight file cannot be used, or cannot be written. The message names the file, the tensor where it is about one, and the reason; it is fit for a
/// terminal even where the file put control characters or a megabyte into a name.
/// </summary>
public class WeightFileException : IOException
{
    public WeightFileException(string path, string? tensor, string reason, Exception? inner = null)
        : base(Describe(path, tensor, reason), inner)
    {
        (Path, Tensor, Reason) = (path, tensor, reason);
    }

    public string Path { get; }

    /// <summary>The tensor it is about, as the file names it; null where it is the file as a whole.</summary>
    public string? Tensor { get; }

    public string Reason { get; }

    private static string Describe(string path, string? tensor, string reason)
    {
        string text = PrintableText.Of(reason, PrintableText.ReasonLength);
        return tensor is null ? $"{path}: {text}" : $"{path}: tensor '{PrintableText.Of(tensor)}': {text}";
    }
}
