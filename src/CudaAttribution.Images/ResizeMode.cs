namespace CudaAttribution.Images;

/// <summary>What becomes of a picture that is not square when a square is wanted.</summary>
public enum ResizeMode
{
    /// <summary>The largest square in the middle is kept; what lies outside is lost. The default.</summary>
    CropCentre,

    /// <summary>Both sides are scaled on their own; the shape is distorted, nothing is lost.</summary>
    Stretch,

    /// <summary>The long side is scaled to the square's, the rest is filled with white; nothing is lost.</summary>
    PadWhite,
}
