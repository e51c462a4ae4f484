using CudaAttribution.Tensors.Engines;

namespace CudaAttribution.Tensors;

/// <summary>What of a convolution is computed from the rest.</summary>
public enum ConvolutionPass
{
    Forward,
    BackwardData,
    BackwardWeights,
}

/// <summary>One pass of one convolution that an engine leaves to <see cref="KernelMath"/>.</summary>
public readonly record struct ConvolutionStandIn(ConvolutionPass Pass, Conv2dShape Shape)
{
    /// <summary>For people, as in <c>BackwardData [2,16,16,64] * [64,3,3,64], stride 1, padding 1</c>.</summary>
    public override string ToString() =>
        $"{Pass} [{Shape.N},{Shape.H},{Shape.W},{Shape.C}] * [{Shape.O},{Shape.Kernel},{Shape.Kernel},{Shape.C}], "
        + $"stride {Shape.Stride}, padding {Shape.PadBegin}";
}
