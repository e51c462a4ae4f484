using CudaAttribution.Answers;
using CudaAttribution.Evidence;
using CudaAttribution.Keys;
using CudaAttribution.Populations;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Tests.World;

/// <summary>Keys and nulls of a <see cref="TestWorld"/>.</summary>
internal static class Fixtures
{
    public static PlainDistance Distance { get; } = new();

    public static KeySet Keys(this TestWorld world, KeySelectionOptions? options = null) =>
        new KeySelector(Distance).Select(
            world.SourceModel(), world.Training, [Unopened(world.Stranger("sel"))], options ?? new KeySelectionOptions { Seed = 5 });

    /// <summary>A model of the tests as one that is opened when its turn comes.</summary>
    public static UnopenedModel Unopened(IImageModel model) => new(model.Name, model.Identity, () => model);

    /// <summary>
    /// Innocents: six strangers of real-other, four each of real-same and sibling, as many lawful owners of real-own and twin, two strangers for
    /// calibration. At α = 0.2 the families have enough members.
    /// </summary>
    public static NullTable Null(this TestWorld world, KeySet keys, Func<Innocent, bool>? include = null)
    {
        var members = Enumerable.Range(0, 6).Select(i => Member($"other{i}", InnocentFamily.RealOther, InnocentSplit.Null, world.Stranger))
            .Concat(Enumerable.Range(0, 4).Select(i => Member($"same{i}", InnocentFamily.RealSame, InnocentSplit.Null, world.Stranger)))
            .Concat(Enumerable.Range(0, 4).Select(i => Member($"own{i}", InnocentFamily.RealOwn, InnocentSplit.Null, world.LawfulOwner)))
            .Concat(Enumerable.Range(0, 4).Select(i => Member($"sibling{i}", InnocentFamily.Sibling, InnocentSplit.Null, world.Stranger)))
            .Concat(Enumerable.Range(0, 4).Select(i => Member($"twin{i}", InnocentFamily.Twin, InnocentSplit.Null, world.LawfulOwner)))
            .Concat(Enumerable.Range(0, 2).Select(i => Member($"cal{i}", InnocentFamily.RealOther, InnocentSplit.Cal, world.Stranger)))
            .Where(m => include?.Invoke(m.Member) != false);
        return new InnocentScorer(Distance).Score(keys, [.. members], 9);
    }

    public static (Innocent Member, UnopenedModel Model) Member(
        string name, InnocentFamily family, InnocentSplit split, Func<string, StoredModel> open) =>
        (new Innocent(name, family, split, open(name).Identity, name), Unopened(open(name)));
}
