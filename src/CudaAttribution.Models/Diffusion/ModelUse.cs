namespace CudaAttribution.Models.Diffusion;

/// <summary>What a model is opened for: it decides which parameters have gradients, and so the memory it takes.</summary>
public enum ModelUse
{
    /// <summary>No gradients.</summary>
    Sampling,

    /// <summary>Gradients for the UNet; the text encoder is frozen.</summary>
    TrainUNet,

    /// <summary>Gradients for UNet and text encoder, which are trained as one set of parameters.</summary>
    TrainAll,
}
