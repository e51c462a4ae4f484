namespace CudaAttribution.Models.Watermark;

/// <summary>What happens to a marked picture before it is read in training, after it was rounded to 8 bits.</summary>
internal enum NoiseKind
{
    /// <summary>Nothing more.</summary>
    None,

    /// <summary>Smaller and back, as <c>ImageResize</c> does it.</summary>
    Resize,

    /// <summary>JPEG with colours of half the resolution; the gradient passes as if nothing had happened.</summary>
    Jpeg,

    /// <summary>Normal noise.</summary>
    Gaussian,

    /// <summary>Moved by a few pixels, and mirrored or not.</summary>
    Move,

    /// <summary>Through an autoencoder and back.</summary>
    Autoencoder,
}
