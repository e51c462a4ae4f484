using CudaAttribution.Tensors;

namespace CudaAttribution.Models.Files;

/// <summary>
/// The one place where weight layouts meet: files hold PyTorch's <c>[O,I,KH,KW]</c>, memory holds <c>[O,KH,KW,I]</c>. Only convolution weights have
/// four axes; everything else is the same on both sides.
/// </summary>
public static class WeightMap
{
    /// <summary>The shape that a parameter of shape <paramref name="shape"/> has in a file.</summary>
    public static Shape FileShape(Shape shape) => shape.Rank == 4 ? new Shape(shape[0], shape[3], shape[1], shape[2]) : shape;

    /// <summary>Reorders the values of a file for memory; <paramref name="shape"/> is the shape in memory.</summary>
    public static float[] FromFile(float[] values, Shape shape) => Reorder(values, shape, FromFile);

    /// <summary>Reorders values in memory for a file; <paramref name="shape"/> is the shape in memory.</summary>
    public static float[] ToFile(float[] values, Shape shape) => Reorder(values, shape, ToFile);

    /// <summary>As the other overload, into <paramref name="memory"/>, which is as long.</summary>
    public static void FromFile(ReadOnlySpan<float> file, Shape shape, Span<float> memory)
    {
        var (pixels, channels) = Axes(shape);
        int filter = pixels * channels;
        for (int start = 0; start < file.Length; start += filter)
        {
            ReadOnlySpan<float> from = file.Slice(start, filter);
            Span<float> to = memory.Slice(start, filter);
            for (int k = 0, m = 0; k < pixels; k++)
            {
                for (int i = k; i < filter; i += pixels) to[m++] = from[i];
            }
        }
    }

    /// <summary>As the other overload, into <paramref name="file"/>, which is as long.</summary>
    public static void ToFile(ReadOnlySpan<float> memory, Shape shape, Span<float> file)
    {
        var (pixels, channels) = Axes(shape);
        int filter = pixels * channels;
        for (int start = 0; start < memory.Length; start += filter)
        {
            ReadOnlySpan<float> from = memory.Slice(start, filter);
            Span<float> to = file.Slice(start, filter);
            for (int k = 0, m = 0; k < pixels; k++)
            {
                for (int i = k; i < filter; i += pixels) to[i] = from[m++];
            }
        }
    }

    /// <summary>Whether both layouts are the same for a shape.</summary>
    public static bool IsPlain(Shape shape)
    {
        var (pixels, channels) = Axes(shape);
        return pixels == 1 || channels == 1;
    }

    private delegate void Copy(ReadOnlySpan<float> from, Shape shape, Span<float> to);

    private static (int Pixels, int Channels) Axes(Shape shape) => shape.Rank == 4 ? (shape[1] * shape[2], shape[3]) : (1, 1);

    private static float[] Reorder(float[] values, Shape shape, Copy copy)
    {
        if (values.Length != shape.Count) throw new ArgumentException($"{values.Length} values given for shape {shape}", nameof(values));
        if (IsPlain(shape)) return values;
        float[] result = new float[values.Length];
        copy(values, shape, result);
        return result;
    }
}
