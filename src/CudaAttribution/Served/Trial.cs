using CudaAttribution.Chain;

namespace CudaAttribution.Served;

/// <summary>
/// A prompt with K + 1 pictures of the source that are alike but for one thing: one of them was served, the others are fresh (docs/method.md "Served
/// against fresh"). Under the hypothesis that a model depends on no served picture, each is equally likely to be the served one, whatever it answers.
/// </summary>
public sealed record Trial
{
    public required string Prompt { get; init; }

    /// <summary>Who was served; null where the log does not say.</summary>
    public string? Account { get; init; }

    /// <summary>SHA-256 of the pixels of each picture, in the order of a coin that knows no picture: ties of distance are broken by it.</summary>
    public required IReadOnlyList<string> Pictures { get; init; }

    /// <summary>Which of them was served.</summary>
    public required int Served { get; init; }

    /// <summary>Where the served picture stands in its log.</summary>
    public required LoggedPicture Logged { get; init; }

    /// <summary>
    /// The rank of the served picture, 1 for the closest to an answer. Equal distances are ranked in the order of the coin.
    /// </summary>
    /// <param name="distances">Distance of the answer from each picture.</param>
    public int Rank(IReadOnlyList<double> distances)
    {
        if (distances.Count != Pictures.Count)
            throw new ArgumentException($"{distances.Count} distances of {Pictures.Count} pictures", nameof(distances));
        return RankOf(distances, Served);
    }

    /// <summary>The rank of one of several distances, 1 for the smallest; equal ones are ranked in their order.</summary>
    public static int RankOf(IReadOnlyList<double> distances, int number)
    {
        double own = distances[number];
        return 1 + Enumerable.Range(0, distances.Count).Count(k => distances[k] < own || (distances[k] == own && k < number));
    }

    /// <summary>Whether the served picture is in a log.</summary>
    /// <param name="root">Merkle root of the log.</param>
    /// <param name="entries">Pictures in the log.</param>
    public bool IsIn(string root, int entries) => MerkleTree.Verify(root, entries, Logged.Number, ServedLogCommitment.Entry(this), Logged.Proof);
}
