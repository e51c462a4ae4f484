using CudaAttribution.Answers;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Images;
using CudaAttribution.Runs;
using CudaAttribution.Tensors;

namespace CudaAttribution.Served;

/// <summary>Trials with their pictures, which lie in a folder: a strip a trial, its pictures in the trial's order.</summary>
public sealed class TrialPool
{
    private readonly string _folder;

    /// <param name="folder">The folder of the strips.</param>
    /// <param name="trials">The trials, whose pictures are there.</param>
    public TrialPool(string folder, IReadOnlyList<Trial> trials) => (_folder, Trials) = (folder, trials);

    public IReadOnlyList<Trial> Trials { get; }

    /// <summary>Draws the counterfactuals of served pictures from their source, and mixes each served picture with its own by a coin.</summary>
    /// <param name="folder">Gets the strips.</param>
    /// <param name="log">What was served: of prompts that were served several times to one account, a coin takes one picture.</param>
    /// <param name="askable">Whether every suspect can be asked a prompt as it stands; the others are left out.</param>
    /// <param name="source">The source, sampled as it served.</param>
    /// <param name="fresh">K: fresh pictures of a prompt, at least 1.</param>
    /// <param name="most">Trials of an account at most; a coin takes them.</param>
    /// <param name="seed">Seed of the noise and of the coins.</param>
    /// <param name="store">Keeps the fresh pictures.</param>
    /// <param name="progress">Pictures drawn, of all.</param>
    /// <param name="cancel">Stops between portions; what was drawn is kept.</param>
    /// <exception cref="UserException">A served picture is not of the size that the source draws, or the source gives no picture.</exception>
    public static TrialPool Draw(
        RunFolder folder, ServedLog log, Func<string, bool> askable, IImageModel source, int fresh, int most, ulong seed, AnswerStore store,
        Action<int, int>? progress = null, CancellationToken cancel = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(fresh, 1);
        var chosen = Choose(log.Testable.Where(p => askable(p.Prompt)), most, seed);
        if (chosen.Length == 0)
            throw new UserException(
                "no picture of the log can be tested: callers set what they were drawn with, or a suspect cannot be asked the prompts as they stand",
                "Log pictures of which callers set nothing, with prompts without a service's own syntax.", log.Folder);
        var answers = store.Ask(
            source, [.. chosen.Select(p => p.Prompt)], fresh, new NoiseStream(NoisePurpose.Fresh, seed, source.Identity), progress, cancel);
        var tree = ServedLogCommitment.Tree(log.Pictures);
        return new(folder.Root, [.. chosen.Select((picture, i) => Mix(folder, i, picture, tree.Proof(picture.Number), log.Read(picture), answers.To(i), seed))]);
    }

    /// <summary>The pictures of a trial, in its order.</summary>
    /// <exception cref="UserException">They are not those of the trial.</exception>
    public RgbImage[] Pictures(int trial)
    {
        string file = Path.Combine(_folder, FileOf(trial));
        var strip = PictureFiles.Read(file);
        var expected = Trials[trial].Pictures;
        if (strip.Width % expected.Count == 0)
        {
            var pictures = PictureStrip.Cut(strip, expected.Count);
            if (pictures.Select(ImageHash.Of).SequenceEqual(expected)) return pictures;
        }
        throw new UserException($"these are not the {expected.Count} pictures of the trial '{Trials[trial].Prompt}'", "Restore the file.", file);
    }

    /// <summary>The strip of a trial.</summary>
    public static string FileOf(int trial) => $"{trial:D4}.png";

    private static ServedPicture[] Choose(IEnumerable<ServedPicture> served, int most, ulong seed)
    {
        var coin = new PhiloxSequence(seed, Philox.Stream("served.choice"));
        return [.. served.GroupBy(p => p.Account).SelectMany(account =>
        {
            ServedPicture[] once = [.. account.GroupBy(p => p.Prompt).Select(same => same.ElementAt(coin.Next(same.Count())))];
            coin.Shuffle(once.AsSpan());
            return once.Take(most);
        })];
    }

    private static Trial Mix(
        RunFolder folder, int number, ServedPicture served, IReadOnlyList<string> proof, RgbImage own, Answer[] answers, ulong seed)
    {
        (RgbImage Picture, bool Served)[] pictures =
        [
            (own, true),
            .. answers.Select(a => (
                a.Image ?? throw new UserException(
                    $"the source gave no picture for '{served.Prompt}' ({a.Failure})", "Give the model that served the log."), false)),
        ];
        if (pictures.FirstOrDefault(p => (p.Picture.Width, p.Picture.Height) != (own.Width, own.Height)).Picture is { } other)
            throw new UserException(
                $"the picture served for '{served.Prompt}' has {own.Width} x {own.Height} pixels, the source draws {other.Width} x {other.Height}",
                "Log what the source gave, before anything else was done to it: served and fresh pictures must be alike.");
        new PhiloxSequence(seed, Philox.Stream("served.order", (ulong)number)).Shuffle(pictures.AsSpan());
        folder.WriteImage(FileOf(number), PictureStrip.Join([.. pictures.Select(p => p.Picture)]));
        return new Trial
        {
            Prompt = served.Prompt,
            Account = served.Account,
            Pictures = [.. pictures.Select(p => ImageHash.Of(p.Picture))],
            Served = Array.FindIndex(pictures, p => p.Served),
            Logged = new(served.Number, served.Time, served.Seed, proof),
        };
    }
}
