using CudaAttribution.Tensors;

namespace CudaAttribution.Models;

/// <summary>
/// The one place where weight layouts meet: files hold PyTorch's <c>[O,I,KH,KW]</c>, memory holds <c>[O,KH,KW,I]</c>. Only convolution weights have
/// four axes; everything else is the same on both sides.
/// </summary>
public static class WeightMap
{
    /// <summary>The shape that a parameter of shape <paramref name="shape"/> has in a file.</summary>
    public static Shape FileShape(Shape shape) => shape.Rank == 4 ? new Shape(shape[0], shape[3], shape[1], shape[2]) : shape;

    /// <summary>Reorders the values of a file for memory; <paramref name="shape"/> is the shape in memory.</summary>
    public static float[] FromFile(float[] values, Shape shape) => Reorder(values, shape, toFile: false);

    /// <summary>Reorders values in memory for a file; <paramref name="shape"/> is the shape in memory.</summary>
    public static float[] ToFile(float[] values, Shape shape) => Reorder(values, shape, toFile: true);

    private static float[] Reorder(float[] values, Shape shape, bool toFile)
    {
        if (values.Length != shape.Count) throw new ArgumentException($"{values.Length} values given for shape {shape}", nameof(values));
        int pixels = shape.Rank == 4 ? shape[1] * shape[2] : 1, channels = shape.Rank == 4 ? shape[3] : 1;
        if (pixels == 1 || channels == 1) return values;
        float[] result = new float[values.Length];
        int filter = pixels * channels;
        for (int o = 0; o < shape[0]; o++)
        {
            for (int k = 0; k < pixels; k++)
            {
                for (int i = 0; i < channels; i++)
                {
                    int inMemory = o * filter + k * channels + i, inFile = o * filter + i * pixels + k;
                    if (toFile) result[inFile] = values[inMemory];
                    else result[inMemory] = values[inFile];
                }
            }
        }
        return result;
    }
}
