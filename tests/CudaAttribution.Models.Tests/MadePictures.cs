using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Training;

namespace CudaAttribution.Models.Tests;

/// <summary>Pictures of a call as one array, which is what most tests compare.</summary>
internal static class MadePictures
{
    extension(IReadOnlyList<SampledPicture> pictures)
    {
        public float[] Values => [.. pictures.SelectMany(p => p.Values)];

        public byte[] Pixels => [.. pictures.SelectMany(p => p.Pixels)];
    }

    extension(IReadOnlyList<InvertedPicture> pictures)
    {
        public float[] Noise => [.. pictures.SelectMany(p => p.Noise)];

        public IReadOnlyList<SampledPicture> Reconstructions => [.. pictures.Select(p => p.Reconstruction)];
    }

    public static byte[] Picture(this TrainingSet data, int index) => data.Read([index]).Single();
}
