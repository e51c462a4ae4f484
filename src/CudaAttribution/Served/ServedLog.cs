using CudaAttribution.Data.Codecs;
using CudaAttribution.Images;
using CudaAttribution.Runs;

namespace CudaAttribution.Served;

/// <summary>What a source has served: prompts with the pictures that it returned, in the order in which they were logged.</summary>
public sealed class ServedLog
{
    /// <summary>What a line of a log may have: columns of a table, members of a JSON object.</summary>
    internal const string Prompt = "prompt", Picture = "picture", Account = "account", Time = "time", Seed = "seed", SetByCaller = "set_by_caller",
        PixelHash = "pixel_sha256";

    public const string TableFile = "served.tsv", LinesFile = "served.jsonl";

    internal ServedLog(string folder, IReadOnlyList<ServedPicture> pictures, ServedLogHeader? header) =>
        (Folder, Pictures, Header) = (folder, pictures, header);

    public string Folder { get; }

    public IReadOnlyList<ServedPicture> Pictures { get; }

    /// <summary>What drew the pictures; null where the log does not say.</summary>
    public ServedLogHeader? Header { get; }

    /// <summary>The pictures of which the caller set nothing: these can be compared with fresh ones of the same prompt.</summary>
    public IEnumerable<ServedPicture> Testable => Pictures.Where(p => p.SetByCaller is null);

    /// <summary>Whether the seed of every testable picture is known. Where it is not, that seeds were random and distinct is an assumption.</summary>
    public bool SeedsKnown => Testable.All(p => p.Seed is not null);

    /// <summary>What a reader of the log should know, a sentence each.</summary>
    public IEnumerable<string> Notes
    {
        get
        {
            if (Pictures.Count - Testable.Count() is > 0 and var set)
                yield return $"the callers set seed or recipe of {set} of {Pictures.Count} pictures: these are not tested";
            if (Testable.Count(p => p.Seed is null) is > 0 and var unknown)
                yield return $"the seeds of {unknown} of {Pictures.Count} pictures are not known: it is assumed that they were random and distinct";
            int[] repeated = [.. Pictures.GroupBy(p => p.PixelHash).Select(g => g.Count()).Where(n => n > 1)];
            if (repeated.Length > 0)
                yield return $"{repeated.Sum()} of {Pictures.Count} pictures have the same pixels as another one ({repeated.Max()} times at most)";
        }
    }

    /// <summary>A seed that is shared is a picture that is shared, by all models of a family: a log that has one proves nothing.</summary>
    /// <exception cref="UserException">Testable pictures share seeds; how many is said.</exception>
    public void CheckSeeds()
    {
        var seeds = Testable.Where(p => p.Seed is not null).GroupBy(p => p.Seed!.Value).ToList();
        var shared = seeds.Where(g => g.Count() > 1).OrderByDescending(g => g.Count()).ThenBy(g => g.Key).ToList();
        if (shared.Count == 0) return;
        int all = seeds.Sum(g => g.Count()), sharing = shared.Sum(g => g.Count());
        throw new UserException(
            seeds.Count == 1
                ? $"all {all} pictures have the seed {shared[0].Key}"
                : $"{sharing} of {all} pictures share their seed with another one (seed {shared[0].Key}: {shared[0].Count()} times)",
            "Only pictures of random and distinct seeds can be tested: leave the others out, or name who set the seed in the column "
            + $"{SetByCaller}.", Folder);
    }

    /// <summary>The pixels of a picture.</summary>
    /// <exception cref="UserException">It is missing, not a picture, or was changed.</exception>
    public RgbImage Read(ServedPicture picture) =>
        PictureFiles.Read(Path.Combine(Folder, picture.File), picture.PixelHash, "Restore the file as it was logged.");
}
