using CudaAttribution.Answers;
using CudaAttribution.Runs;

namespace CudaAttribution.Populations;

/// <summary>One reference innocent.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Family">What it was trained on.</param>
/// <param name="Split">What it is used for.</param>
/// <param name="Identity">Its identity as a model (a hash of what it is).</param>
/// <param name="Folder">Its model folder, relative to the set's folder.</param>
public sealed record Innocent(string Name, InnocentFamily Family, InnocentSplit Split, string Identity, string Folder);

/// <summary>
/// Reference innocents, split SEL / CAL / NULL. One model serves one purpose: the same identity twice is refused, whatever it is called.
/// </summary>
public sealed class InnocentSet
{
    public const string FileName = "innocents.json";
    private const string Schema = "cudattr-innocents-1";

    /// <param name="folder">Folder that the members' folders are relative to.</param>
    /// <param name="members">The innocents.</param>
    /// <exception cref="UserException">Two members are the same model or share a name.</exception>
    public InnocentSet(string folder, IReadOnlyList<Innocent> members)
    {
        (Folder, Members) = (Path.GetFullPath(folder), members);
        foreach (var same in members.GroupBy(m => m.Identity).Where(g => g.Count() > 1))
        {
            throw new UserException(
                $"the innocents {string.Join(" and ", same.Select(m => $"'{m.Name}' ({m.Split.Name()})"))} are the same model",
                "Use a model once: keys chosen or thresholds calibrated on a model cannot be tested on it.", folder);
        }
        foreach (var same in members.GroupBy(m => m.Name).Where(g => g.Count() > 1))
            throw new UserException($"{same.Count()} innocents are called '{same.Key}'", "Give each its own name.", folder);
    }

    public string Folder { get; }

    public IReadOnlyList<Innocent> Members { get; }

    public IEnumerable<Innocent> Of(InnocentSplit split) => Members.Where(m => m.Split == split);

    public string PathOf(Innocent member) => Path.Combine(Folder, member.Folder);

    /// <summary>A member as a model that is opened when its turn comes.</summary>
    /// <param name="member">The member.</param>
    /// <param name="open">Opens a model folder under a name.</param>
    public UnopenedModel Unopened(Innocent member, Func<string, string, IImageModel> open) =>
        new(member.Name, member.Identity, () => open(PathOf(member), member.Name));

    /// <exception cref="UserException">Missing, not a set of innocents, or double dipping.</exception>
    public static InnocentSet Load(string folder)
    {
        string file = Path.Combine(folder, FileName);
        var stored = Json.Read<Stored>(file, "set of innocents");
        Json.CheckSchema(stored.Schema, Schema, file);
        return new InnocentSet(folder, stored.Models);
    }

    public void Save() => new RunFolder(Folder).WriteJson(FileName, new Stored(Schema, Members));

    private sealed record Stored(string Schema, IReadOnlyList<Innocent> Models);
}
