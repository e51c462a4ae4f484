namespace CudaAttribution.Tensors.Weights;

/// <summary>Element type and shape of a tensor of a weight file, in the file's layout.</summary>
/// <param name="Type">Element type.</param>
/// <param name="Shape">Extents.</param>
public readonly record struct WeightInfo(DType Type, Shape Shape)
{
    /// <summary>Length in bytes.</summary>
    public long Bytes => Shape.Count * Type.Size();

    public override string ToString() => $"{Type} {Shape}";
}

/// <summary>
/// Named tensors that are read when asked for: a file, several files, or a view that renames, cuts or changes those of another source. Convolution
/// weights are <c>[O,I,KH,KW]</c> as in files. Not safe for several threads at once unless the implementation says so.
/// </summary>
public interface IWeightSource : IDisposable
{
    /// <summary>Where the tensors come from, for messages.</summary>
    string Path { get; }

    /// <summary>Every tensor by name, in ordinal order.</summary>
    IReadOnlyDictionary<string, WeightInfo> Weights { get; }

    /// <summary>Strings that the file carries beside its tensors; empty where it has none.</summary>
    IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Copies elements of a tensor, in its own type and in row-major order.</summary>
    /// <param name="name">Name of the tensor.</param>
    /// <param name="start">First element.</param>
    /// <param name="destination">Filled; its length says how many elements.</param>
    /// <exception cref="WeightFileException">There is no such tensor, or it cannot be read.</exception>
    /// <exception cref="ArgumentException">The range is not inside the tensor, or is no whole number of elements.</exception>
    void Read(string name, long start, Span<byte> destination);
}
