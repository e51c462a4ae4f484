using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Models.Files.SingleFile;

/// <summary>Weights of an autoencoder under today's diffusers names and shapes, whichever version of diffusers wrote them.</summary>
public static class VaeWeights
{
    /// <summary>
    /// A view of a diffusers file: the attention's <c>query</c>, <c>key</c>, <c>value</c>, <c>proj_attn</c> of older files as <c>to_q</c>,
    /// <c>to_k</c>, <c>to_v</c>, <c>to_out.0</c>, and its 1x1 convolutions as matrices. <paramref name="source"/> stays the caller's.
    /// </summary>
    /// <exception cref="WeightFileException">Two tensors stand for the same weight.</exception>
    public static IWeightSource Current(IWeightSource source)
    {
        var view = new WeightView(source.Path, source.Metadata);
        foreach (var (name, info) in source.Weights)
        {
            string current = LdmVaeNames.FromOlderDiffusers(name);
            view.Add(current, source, name, MatrixShape(current, info.Shape));
        }
        return view;
    }

    /// <summary>The shape of a weight as diffusers has it: that of a matrix for a 1x1 convolution of the attention.</summary>
    internal static Shape MatrixShape(string diffusersName, Shape shape) => LdmVaeNames.IsAttentionMatrix(diffusersName) && IsPointwise(shape)
        ? new Shape(shape[0], shape[1])
        : shape;

    private static bool IsPointwise(Shape shape) => shape.Rank == 4 && shape[2] == 1 && shape[3] == 1 || shape.Rank == 3 && shape[2] == 1;
}
