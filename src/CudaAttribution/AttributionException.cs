namespace CudaAttribution;

/// <summary>Attribution cannot go on. The message says where, what is wrong and what to do.</summary>
public sealed class AttributionException : Exception
{
    /// <param name="problem">What is wrong, as a sentence without its full stop.</param>
    /// <param name="remedy">What to do about it, as a sentence.</param>
    /// <param name="file">The file or folder it is about.</param>
    /// <param name="inner">The failure underneath.</param>
    public AttributionException(string problem, string remedy, string? file = null, Exception? inner = null)
        : base($"{(file is null ? "" : file + ": ")}{problem}. {remedy}", inner)
    {
    }
}
