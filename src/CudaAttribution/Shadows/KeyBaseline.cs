using System.Text.Json;
using CudaAttribution.Answers;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Images;
using CudaAttribution.Keys;
using CudaAttribution.Measures;
using CudaAttribution.Runs;

namespace CudaAttribution.Shadows;

/// <summary>
/// What the base model makes of the key prompts: b, the most central of its pictures for each key of conf. An answer that is nearer to the source's
/// picture than to b says more than one that is near to both.
/// </summary>
public sealed class KeyBaseline
{
    public const string FolderName = "baseline";

    private const string FileName = "baseline.json", Schema = "cudattr-baseline-1";

    private readonly Stored _stored;

    private KeyBaseline(Stored stored, IReadOnlyList<RgbImage> pictures) => (_stored, Pictures) = (stored, pictures);

    /// <summary>b, by the order of the keys of conf.</summary>
    public IReadOnlyList<RgbImage> Pictures { get; }

    /// <summary>The base model.</summary>
    public string Identity => _stored.Identity;

    /// <summary>The keys whose prompts were put to it.</summary>
    public string KeysetSha256 => _stored.KeysetSha256;

    /// <summary>Hash of all of it.</summary>
    public string Hash => CanonicalJson.Hash(JsonSerializer.SerializeToNode(_stored, Json.Options));

    /// <summary>Asks the base model.</summary>
    /// <param name="keys">The frozen keys.</param>
    /// <param name="model">The base model.</param>
    /// <param name="draws">Pictures of each prompt, of which the most central is taken.</param>
    /// <param name="seed">Seed of its noise.</param>
    /// <param name="measure">The measure of the keys.</param>
    /// <param name="store">Keeps the answers.</param>
    /// <param name="progress">Pictures drawn, of all.</param>
    /// <param name="cancel">Stops between portions of pictures.</param>
    /// <exception cref="UserException">It did not answer a prompt.</exception>
    public static KeyBaseline Draw(
        KeySet keys, IImageModel model, int draws, ulong seed, IPictureMeasure measure, AnswerStore store, Action<int, int>? progress = null,
        CancellationToken cancel = default)
    {
        KeyExaminer.CheckSampling(keys, model);
        string[] prompts = [.. keys.Keys.Where(k => k.ForConfidence).Select(k => k.Prompt)];
        var answers = store.Ask(model, prompts, draws, new NoiseStream(NoisePurpose.Shadows, seed, model.Identity), progress, cancel);
        RgbImage[] pictures = [.. prompts.Select((prompt, i) => Central(answers.To(i), prompt, measure))];
        return new(new Stored(Schema, keys.Hash, model.Identity, [.. pictures.Select(ImageHash.Of)]), pictures);
    }

    /// <summary>Writes <c>baseline.json</c> and a PNG a key.</summary>
    public void Save(string path)
    {
        var folder = new RunFolder(path);
        for (int i = 0; i < Pictures.Count; i++) folder.WriteImage(Picture(i), Pictures[i]);
        folder.WriteJson(FileName, _stored);
    }

    /// <exception cref="UserException">Missing, changed, or of other keys.</exception>
    public static KeyBaseline Load(string path, KeySet keys)
    {
        string file = Path.Combine(path, FileName);
        var stored = Json.Read<Stored>(file, "baseline of keys");
        Json.CheckSchema(stored.Schema, Schema, file);
        if (stored.KeysetSha256 != keys.Hash || stored.Pictures.Count != keys.ConfidenceCount)
            throw new UserException("the baseline was drawn for other keys", "Draw it for these.", file);
        return new(stored, [.. stored.Pictures.Select((sha, i) => PictureFiles.Read(Path.Combine(path, Picture(i)), sha, "Draw the baseline again."))]);
    }

    private static RgbImage Central(Answer[] answers, string prompt, IPictureMeasure measure)
    {
        RgbImage[] images = [.. answers.Where(a => a.Image is not null).Select(a => a.Image!)];
        if (images.Length == 0)
            throw new UserException($"the base model gave no picture for '{prompt}' ({answers[0].Failure})", "Give a base model that answers the key prompts.");
        var prepared = measure.Prepare(images);
        double[,] between = measure.Matrix(prepared, prepared);
        return images[Enumerable.Range(0, images.Length).MinBy(k => Enumerable.Range(0, images.Length).Sum(l => between[k, l]))];
    }

    private static string Picture(int index) => $"{index:D4}.png";

    private sealed record Stored(string Schema, string KeysetSha256, string Identity, IReadOnlyList<string> Pictures);
}
