namespace CudaAttribution.Models.Configuration;

/// <summary>A model's file or configuration cannot be used. The message says which file, what is wrong with it and what to do.</summary>
public sealed class ModelFileException : Exception
{
    public ModelFileException(string message)
        : base(message)
    {
    }

    public ModelFileException(string message, Exception cause)
        : base(message, cause)
    {
    }
}
