using CudaAttribution.Answers;
using CudaAttribution.Keys;
using CudaAttribution.Runs;
using CudaAttribution.Tensors;

namespace CudaAttribution.Shadows;

/// <summary>A discriminator with all that scoring needs: the folder with <c>discriminator.json</c>, <c>keys</c> and <c>baseline</c>.</summary>
/// <param name="Discriminator">What was learned.</param>
/// <param name="Keys">The keys that its shadows were asked.</param>
/// <param name="Baseline">The base model's pictures for them.</param>
/// <param name="Sha256">SHA-256 of <c>discriminator.json</c>.</param>
public sealed record DiscriminatorFolder(Discriminator Discriminator, KeySet Keys, KeyBaseline Baseline, string Sha256)
{
    /// <exception cref="UserException">A file is missing or was changed.</exception>
    public static DiscriminatorFolder Load(string path)
    {
        string file = Path.Combine(path, Discriminator.FileName);
        var keys = KeySet.Load(Path.Combine(path, KeySet.FolderName));
        return new(Discriminator.Load(file), keys, KeyBaseline.Load(Path.Combine(path, KeyBaseline.FolderName), keys), RunFolder.HashFile(file));
    }

    /// <summary>What makes features as those of the shadows were made.</summary>
    public FeatureExtractor Features(ComputeDevice device) => new(Keys, Baseline, Discriminator.Design.Measure, Discriminator.Design.Draws, device);

    /// <summary>Refuses keys that are not those of the shadows, and a discriminator that wants two answers to each.</summary>
    /// <exception cref="UserException">Which it is.</exception>
    public void CheckAskedOnce(KeySet keys)
    {
        if (keys.Hash != Keys.Hash) throw new UserException("the discriminator learned from answers to other keys", "Give a discriminator of these keys.");
        if (Discriminator.Design.Draws != 1)
            throw new UserException(
                "the discriminator looks at two answers to each key, and each is asked once here", "Score the suspect by itself, or plan shadows with one answer.");
    }

    /// <summary>The score of a model that was asked every key once.</summary>
    /// <param name="identity">The model.</param>
    /// <param name="answers">Its answers to the keys of conf, in their order.</param>
    /// <param name="device">Where distances are computed.</param>
    public DiscriminatorScore Score(string identity, IReadOnlyList<Answer> answers, ComputeDevice device) =>
        Discriminator.Score(Features(device).Of(identity, answers));
}
