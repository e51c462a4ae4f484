using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Tensors.Verification;

/// <summary>Every op case of the project, by family in the order of the kernel files.</summary>
public static class OpCatalog
{
    public static IEnumerable<OpCase> All =>
    [
        .. Convolution.Cases,
        .. Gemm.Cases,
        .. Norm.Cases,
        .. DotProductAttention.Cases,
        .. Loss.Cases,
        .. ContrastiveLoss.Cases,
        .. CrossEntropyLoss.Cases,
        .. BinaryCrossEntropyLoss.Cases,
        .. Elementwise.Cases,
        .. AxisMaps.Cases,
        .. EmbeddingTable.Cases,
        .. Optim.Cases,
        .. RandomNumbers.Cases,
        .. Sampling.Cases,
        .. PixelValues.Cases,
        .. Latents.Cases,
        .. Distance.Cases,
        .. Pool.Cases,
        .. BatchNormalisation.Cases,
        .. Fft.Cases,
        .. TransposedConvolution.Cases,
    ];
}
