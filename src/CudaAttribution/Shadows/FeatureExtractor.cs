using CudaAttribution.Answers;
using CudaAttribution.Images;
using CudaAttribution.Keys;
using CudaAttribution.Measures;
using CudaAttribution.Runs;
using CudaAttribution.Tensors;

namespace CudaAttribution.Shadows;

/// <summary>
/// Makes numbers of a model's answers for a discriminator (docs/method.md "Statistical level"): how near each is to the source's picture r and to the base
/// model's b, by pixels and by a copy measure, and whether r is nearer than the pictures of other keys.
/// </summary>
public sealed class FeatureExtractor
{
    /// <summary>The features of an answer y, in order; <c>c</c> is the copy measure.</summary>
    public static IReadOnlyList<string> Names { get; } =
        ["px(y,r)", "tile(y,r)", "c(y,r)", "px(y,b)", "c(y,b)", "c(y,b)-c(y,r)", "rank of r", "c(y,second answer)"];

    private readonly KeySet _keys;
    private readonly FeatureDesign _design;
    private readonly IPictureMeasure _pixels, _tiles, _copy;
    private readonly RgbImage[] _references;
    private readonly KeyBaseline _baseline;

    /// <param name="keys">The frozen keys; those of conf are asked.</param>
    /// <param name="baseline">The base model's pictures for them.</param>
    /// <param name="measure">Name of the copy measure.</param>
    /// <param name="draws">Answers to each key: 1, or 2, by which the last feature sees how far a model's answers are apart.</param>
    /// <param name="device">Where distances are computed.</param>
    /// <exception cref="UserException">The baseline is of other keys, there is no such measure, or the number of answers makes no sense.</exception>
    public FeatureExtractor(KeySet keys, KeyBaseline baseline, string measure, int draws, ComputeDevice device)
    {
        if (baseline.KeysetSha256 != keys.Hash) throw new UserException("the baseline was drawn for other keys", "Draw it for these.");
        if (draws is not (1 or 2)) throw new UserException($"{draws} answers to each key are wanted", "Ask once or twice.");
        (_keys, _baseline, _design) = (keys, baseline, new FeatureDesign(keys.Hash, baseline.Hash, measure, draws));
        (_pixels, _tiles, _copy) = (new PixelDistance(device), new TileDistance(device), MeasureRegistry.Create(measure, device));
        _references = [.. keys.Keys.Where(k => k.ForConfidence).Select(k => k.ReferenceImage)];
    }

    /// <summary>Asks a model every key of conf, and measures its answers.</summary>
    /// <param name="model">The model.</param>
    /// <param name="purpose">What its noise is for.</param>
    /// <param name="seed">Seed of its noise.</param>
    /// <param name="store">Keeps the answers.</param>
    /// <param name="progress">Answers, of all.</param>
    /// <param name="cancel">Stops between portions of answers.</param>
    /// <exception cref="UserException">The model broke its contract, or is to be sampled otherwise than the keys say.</exception>
    public ModelFeatures Of(
        IImageModel model, NoisePurpose purpose, ulong seed, AnswerStore store, Action<int, int>? progress = null, CancellationToken cancel = default)
    {
        KeyExaminer.CheckSampling(_keys, model);
        string[] prompts = [.. _keys.Keys.Where(k => k.ForConfidence).Select(k => k.Prompt)];
        var answers = store.Ask(model, prompts, _design.Draws, new NoiseStream(purpose, seed, model.Identity), progress, cancel);
        return Of(model.Identity, [.. prompts.Select((_, i) => answers.To(i))]);
    }

    /// <summary>Measures answers to the keys of conf, each asked once.</summary>
    /// <param name="identity">The model that gave them.</param>
    /// <param name="answers">One for each key of conf, in their order.</param>
    /// <exception cref="ArgumentException">More or fewer answers, or the features look at two of each.</exception>
    public ModelFeatures Of(string identity, IReadOnlyList<Answer> answers) => _design.Draws == 1 && answers.Count == _references.Length
        ? Of(identity, [.. answers.Select(a => new[] { a })])
        : throw new ArgumentException($"{answers.Count} answers to {_references.Length} keys, {_design.Draws} each", nameof(answers));

    private ModelFeatures Of(string identity, Answer[][] answers) => new(
        ModelFeatures.CurrentSchema, identity, _design, [.. answers.Select((a, i) => Row(i, a))], answers.Count(a => a[0].Image is null));

    private double[] Row(int key, Answer[] answers)
    {
        if (answers[0].Image is not { } y)
            return [_pixels.Maximum, _tiles.Maximum, _copy.Maximum, _pixels.Maximum, _copy.Maximum, 0, 1, _design.Draws == 1 ? 0 : _copy.Maximum];
        var (r, b) = (_references[key], _baseline.Pictures[key]);
        double[] toAll = _copy.Distances(_references, y);
        double own = toAll[key], toBase = _copy.Between(b, y);
        // Ties count half, so that a picture that resembles none has the middle rank.
        double rank = (toAll.Count(d => d < own) + ((toAll.Count(d => d == own) - 1) / 2.0)) / toAll.Length;
        double apart = _design.Draws == 1 ? 0 : answers[1].Image is { } second ? _copy.Between(y, second) : _copy.Maximum;
        return [_pixels.Between(r, y), _tiles.Between(r, y), own, _pixels.Between(b, y), toBase, toBase - own, rank, apart];
    }
}
