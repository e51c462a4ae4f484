using CudaAttribution.Images;
using CudaAttribution.Models.Descriptors;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Measures;

/// <summary>Pictures as the vectors that a descriptor makes of them, and the cosines between these, on the device.</summary>
/// <param name="model">The descriptor; it lives as long as its device.</param>
/// <param name="device">The device it is on.</param>
public sealed class DescriptorSpace(SscdModel model, ComputeDevice device)
{
    /// <summary>Most references, and most answers, whose cosines are computed at once.</summary>
    internal int BlockPictures { get; init; } = 1024;

    /// <summary>Who the descriptor is: SHA-256 of its configuration and weights.</summary>
    public string Identity { get; } = model.Identity();

    /// <summary>Pictures with their vectors.</summary>
    public PreparedVectors Prepare(IReadOnlyList<RgbImage> pictures) => new(pictures, model.Embed(pictures), model.Config.Dimensions);

    /// <summary>
    /// The cosine of each pair and both squared lengths, which are 1 but for rounding: a pair of equal vectors has three equal numbers.
    /// </summary>
    /// <exception cref="ArgumentException">A side was not made by <see cref="Prepare"/>.</exception>
    public Similarity[,] Similarities(PreparedPictures references, PreparedPictures answers)
    {
        var (a, b) = (Of(references), Of(answers));
        int rows = a.Pictures.Count, columns = b.Pictures.Count;
        var result = new Similarity[rows, columns];
        float[] aa = Squares(a), bb = Squares(b);
        for (int i = 0; i < rows; i += BlockPictures)
        {
            for (int j = 0; j < columns; j += BlockPictures)
            {
                int height = Math.Min(BlockPictures, rows - i), width = Math.Min(BlockPictures, columns - j);
                float[] products = Products(a, i, height, b, j, width);
                for (int k = 0; k < products.Length; k++)
                    result[i + (k / width), j + (k % width)] = new(products[k], aa[i + (k / width)], bb[j + (k % width)]);
            }
        }
        return result;
    }

    private static PreparedVectors Of(PreparedPictures prepared) => prepared as PreparedVectors
        ?? throw new ArgumentException("the pictures were prepared by another measure", nameof(prepared));

    private float[] Squares(PreparedVectors p)
    {
        var squares = new float[p.Pictures.Count];
        for (int i = 0; i < squares.Length; i += BlockPictures)
        {
            int count = Math.Min(BlockPictures, squares.Length - i);
            float[] products = Products(p, i, count, p, i, count);
            for (int k = 0; k < count; k++) squares[i + k] = products[(k * count) + k];
        }
        return squares;
    }

    private float[] Products(PreparedVectors a, int firstA, int countA, PreparedVectors b, int firstB, int countB)
    {
        using var tape = new Tape(device, record: false);
        return tape.Linear(Upload(a, firstA, countA), Upload(b, firstB, countB), null).ToArray<float>();

        Tensor Upload(PreparedVectors p, int first, int count) =>
            tape.Arena.From(p.Vectors.AsSpan(first * p.Dimensions, count * p.Dimensions).ToArray(), new Shape(count, p.Dimensions));
    }
}

/// <summary>Pictures and their descriptors.</summary>
/// <param name="Pictures">The pictures.</param>
/// <param name="Vectors"><paramref name="Dimensions"/> numbers of each picture, one after the other.</param>
/// <param name="Dimensions">Length of a descriptor.</param>
public sealed record PreparedVectors(IReadOnlyList<RgbImage> Pictures, float[] Vectors, int Dimensions) : PreparedPictures(Pictures);

/// <summary>Scalar products of two vectors.</summary>
/// <param name="Product">Of the two.</param>
/// <param name="First">Of the first with itself.</param>
/// <param name="Second">Of the second with itself.</param>
public readonly record struct Similarity(float Product, float First, float Second)
{
    /// <summary>The cosine, in [−1, 1]; exactly 1 for equal vectors.</summary>
    public double Cosine => Math.Clamp(Product / Math.Sqrt((double)First * Second), -1, 1);
}
