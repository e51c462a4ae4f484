namespace CudaAttribution.Tensors.Engines.Nvidia;

/// <summary>What the engine needs of cuDNN, bound to one stream; F32 by FMA instructions, so without TF32.</summary>
/// <remarks>The device's context is current when a method is called. A status other than success is a <see cref="Driver.DeviceException"/>.</remarks>
internal interface ICudnn : IDisposable
{
    /// <summary>As in <c>9.1.0</c>.</summary>
    string Version { get; }

    /// <summary>Describes a convolution of equal padding on all sides. The caller disposes it, before this.</summary>
    ICudnnConvolution Describe(in Conv2dShape shape);
}

/// <summary>The descriptors of one shape and the algorithms for it, all of them deterministic.</summary>
internal interface ICudnnConvolution : IDisposable
{
    /// <summary>Scratch memory that a pass needs with the algorithm at hand; null where cuDNN supports none of them.</summary>
    long? WorkspaceBytes(ConvolutionPass pass);

    /// <summary>
    /// Issues one pass: the array it computes becomes the result + beta times what it holds. False where cuDNN says only now that it does not support
    /// the algorithm: nothing was computed, and <see cref="WorkspaceBytes"/> has gone on to the next one.
    /// </summary>
    /// <param name="x">Input <c>[N,H,W,C]</c>, or its gradient.</param>
    /// <param name="w">Weights <c>[O,K,K,C]</c>, or their gradient.</param>
    /// <param name="y">Output <c>[N,OutH,OutW,O]</c>, or its gradient.</param>
    /// <param name="workspace">As many bytes as <see cref="WorkspaceBytes"/> says; 0 where it says none.</param>
    bool TryRun(ConvolutionPass pass, nint x, nint w, nint y, nint workspace, float beta);
}
