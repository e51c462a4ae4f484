using CudaAttribution.Tests;

namespace CudaAttribution.Architecture.Tests;

/// <summary>
/// The rules of <c>docs/architecture.md</c>. The block <c>assemblies</c> has a line <c>A -> B, C</c> for each assembly: A may use B, C and what these
/// may use. The block <c>folders</c> has a line <c>A: x y z</c> for each: a folder may use itself and the folders before it; <c>.</c> is the files in
/// the assembly's own folder.
/// </summary>
internal sealed class ArchitecturePage
{
    public const string OwnFiles = ".";

    private ArchitecturePage(Dictionary<string, string[]> assemblies, Dictionary<string, string[]> folders) =>
        (Assemblies, Folders) = (assemblies, folders);

    /// <summary>What each assembly may use, directly.</summary>
    public IReadOnlyDictionary<string, string[]> Assemblies { get; }

    /// <summary>The folders of each assembly, from the bottom up.</summary>
    public IReadOnlyDictionary<string, string[]> Folders { get; }

    public static ArchitecturePage Read()
    {
        string[] lines = File.ReadAllLines(Path.Combine(Repository.Root, "docs", "architecture.md"));
        return new(Block(lines, "assemblies", "->", ","), Block(lines, "folders", ":", " "));
    }

    /// <summary>All that an assembly may use.</summary>
    public HashSet<string> Below(string assembly)
    {
        var all = new HashSet<string>();
        foreach (string below in Assemblies[assembly])
        {
            all.Add(below);
            all.UnionWith(Below(below));
        }
        return all;
    }

    private static Dictionary<string, string[]> Block(string[] lines, string name, string separator, string between) => lines
        .SkipWhile(l => l != "```" + name).Skip(1).TakeWhile(l => l != "```")
        .Select(l => l.Split(separator, 2))
        .ToDictionary(
            parts => parts[0].Trim(),
            parts => parts.Length == 1 ? [] : parts[1].Split(between, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
}
