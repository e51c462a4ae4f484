using CudaAttribution.Images;

namespace CudaAttribution.Served;

/// <summary>A picture that the source really returned.</summary>
/// <param name="Number">Its place in the log, from 0.</param>
/// <param name="Prompt">What was asked.</param>
/// <param name="File">The picture, relative to the log's folder.</param>
/// <param name="PixelHash">Its <see cref="ImageHash"/>.</param>
/// <param name="Account">Who got it; null where that is not known.</param>
/// <param name="Time">When, in UTC; null where that is not known.</param>
/// <param name="Seed">What its noise was drawn from; null where that is not known.</param>
/// <param name="SetByCaller">
/// What the caller set of seed and recipe, in words; null where nothing. Only a picture of which nothing was set is one of many that could have come.
/// </param>
public sealed record ServedPicture(
    int Number, string Prompt, string File, string PixelHash, string? Account, DateTime? Time, ulong? Seed, string? SetByCaller);
