using CudaAttribution.Answers;
using CudaAttribution.Data.Datasets;
using CudaAttribution.Images;
using CudaAttribution.Measures;
using CudaAttribution.Tensors;

namespace CudaAttribution.Tests.World;

/// <summary>
/// A world without training: for every prompt a real picture x, the picture r that the source makes of it, and what an unrelated model makes of
/// it, all random and far apart.
/// </summary>
internal sealed class TestWorld
{
    public const int Size = 8;

    public TestWorld(int prompts = 60, ulong seed = 1)
    {
        var random = new SplitMix64(seed);
        Training = new(
            "test world", Enumerable.Range(0, prompts).Select(i => new CaptionedImage($"p{i:D3}", $"picture number {i}", Picture(ref random))));
        Source = Training.Items.ToDictionary(p => p.Caption, _ => Picture(ref random));
        Other = Training.Items.ToDictionary(p => p.Caption, _ => Picture(ref random));
    }

    /// <summary>The source's training set.</summary>
    public CaptionedDataset Training { get; }

    /// <summary>What the source makes of each prompt.</summary>
    public Dictionary<string, RgbImage> Source { get; }

    /// <summary>What models that know neither make of it.</summary>
    public Dictionary<string, RgbImage> Other { get; }

    public Dictionary<string, RgbImage> Real => Training.Items.ToDictionary(p => p.Caption, p => p.Image.Read());

    /// <summary>The source: always its own picture, slightly disturbed.</summary>
    public StoredModel SourceModel(int noise = 10) => new("source", Source, noise);

    /// <summary>A model that never saw any of it: its own pictures, wildly disturbed.</summary>
    public StoredModel Stranger(string name) => new(name, Other, 90);

    /// <summary>A lawful model of the real pictures.</summary>
    public StoredModel LawfulOwner(string name) => new(name, Real, 10);

    public static RgbImage Picture(ref SplitMix64 random)
    {
        var pixels = new byte[3 * Size * Size];
        for (int i = 0; i < pixels.Length; i++) pixels[i] = (byte)random.Below(256);
        return new RgbImage(Size, Size, pixels);
    }
}

/// <summary>Answers each prompt with a stored picture plus uniform noise of ±amplitude grey levels, a function of the query's noise.</summary>
internal sealed class StoredModel(string name, IReadOnlyDictionary<string, RgbImage> pictures, int amplitude) : IImageModel
{
    public string Name => name;

    public string Identity { get; init; } = $"stored:{name}";

    public SamplingRecipe? Sampling { get; init; }

    /// <summary>Prompts that get no answer.</summary>
    public HashSet<string> Refused { get; init; } = [];

    /// <summary>Prompts answered with other pictures.</summary>
    public Dictionary<string, RgbImage> Instead { get; init; } = [];

    /// <summary>Is called before it answers.</summary>
    public Action? Answering { get; set; }

    /// <summary>Every query ever asked.</summary>
    public List<Query> Asked { get; } = [];

    public IReadOnlyList<Answer> Generate(IReadOnlyList<Query> queries, CancellationToken cancel = default)
    {
        Answering?.Invoke();
        cancel.ThrowIfCancellationRequested();
        Asked.AddRange(queries);
        return [.. queries.Select(q => Refused.Contains(q.Prompt) ? Answer.Failed("refused") : Answer.Of(Picture(q)))];
    }

    private RgbImage Picture(Query query) => Disturb(Instead.GetValueOrDefault(query.Prompt) ?? pictures[query.Prompt], query.Noise);

    private RgbImage Disturb(RgbImage image, NoiseId noise)
    {
        var random = new SplitMix64(noise.Seed * 31 + Philox.Stream(noise.Stream, (ulong)noise.Index));
        var pixels = new byte[image.Pixels.Length];
        for (int i = 0; i < pixels.Length; i++) pixels[i] = (byte)Math.Clamp(image.Pixels[i] + random.Below(2 * amplitude + 1) - amplitude, 0, 255);
        return new RgbImage(image.Width, image.Height, pixels);
    }
}

/// <summary>d_px (docs/method.md "Distances") in plain floating point: the oracle, and the metric of tests that are about something else.</summary>
internal sealed class PlainDistance : IPictureMeasure
{
    public string Name => "px";

    public double DefaultThreshold => 0.15;

    public double Maximum => 1;

    public PreparedPictures Prepare(IReadOnlyList<RgbImage> pictures) => new(pictures);

    public double[,] Matrix(PreparedPictures preparedReferences, PreparedPictures preparedAnswers)
    {
        var (references, answers) = (preparedReferences.Pictures, preparedAnswers.Pictures);
        var result = new double[references.Count, answers.Count];
        for (int i = 0; i < references.Count; i++)
        {
            for (int j = 0; j < answers.Count; j++)
            {
                var answer = answers[j].Resize(references[i].Width, references[i].Height);
                double sum = 0;
                for (int k = 0; k < answer.Pixels.Length; k++)
                {
                    double difference = (references[i].Pixels[k] - answer.Pixels[k]) / 255.0;
                    sum += difference * difference;
                }
                result[i, j] = Math.Sqrt(sum / answer.Pixels.Length);
            }
        }
        return result;
    }
}
