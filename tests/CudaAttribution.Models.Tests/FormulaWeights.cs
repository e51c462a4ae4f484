using CudaAttribution.Models.Files;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Models.Tests;

/// <summary>Weights and pictures from a hash of name and index, as <c>make_resnet_golden.py</c> and <c>make_sscd_golden.py</c> make them.</summary>
internal static class FormulaWeights
{
    /// <summary>Sets the parameters and buffers of a ResNet.</summary>
    /// <param name="parameters">The parameters.</param>
    /// <param name="last">How the weight of the norm at the end of a residual branch ends; it is small.</param>
    public static void Fill(ParameterSet parameters, string last)
    {
        foreach (string key in parameters.Names) Fill(parameters[key], key);
        foreach (var buffer in parameters.Buffers.Where(b => b.Tensor.Type == DType.F32)) Fill(buffer.Tensor, buffer.Name);

        void Fill(Tensor tensor, string key)
        {
            var shape = tensor.Shape;
            bool norm = key.EndsWith("weight", StringComparison.Ordinal) || key.EndsWith("running_var", StringComparison.Ordinal);
            bool ends = key.Contains("layer", StringComparison.Ordinal) && key.EndsWith(last, StringComparison.Ordinal);
            double mean = !norm || shape.Rank > 1 ? 0 : ends ? 0.25 : 1;
            double bound = shape.Rank > 1 ? Math.Sqrt(6.0 / (shape.Count / shape[0])) : 0.25;
            tensor.CopyFrom<float>(WeightMap.FromFile(Uniform(key, (int)shape.Count, mean, bound), shape));
        }
    }

    /// <summary>Pictures <c>[count,side,side,3]</c>.</summary>
    public static float[] Pictures(string name, int count, int side) =>
        WeightMap.FromFile(Uniform(name, count * 3 * side * side, 0, 1), new Shape(count, side, side, 3));

    /// <summary>mean + bound · u, u in [−1, 1).</summary>
    private static float[] Uniform(string name, int count, double mean, double bound)
    {
        uint start = name.Aggregate(2166136261u, (hash, letter) => (hash ^ letter) * 16777619u);
        var values = new float[count];
        for (int i = 0; i < count; i++)
        {
            uint h = ((uint)i * 2654435761u) + start;
            for (int k = 0; k < 2; k++) h = (h ^ (h >> 16)) * 0x45d9f3b;
            h ^= h >> 16;
            values[i] = (float)(mean + ((h / 2147483648.0) - 1) * bound);
        }
        return values;
    }
}
