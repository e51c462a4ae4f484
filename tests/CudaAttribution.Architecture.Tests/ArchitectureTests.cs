using ArchUnitNET.Domain;
using ArchUnitNET.Loader;
using CudaAttribution.Tests;
using Assembly = System.Reflection.Assembly;

namespace CudaAttribution.Architecture.Tests;

/// <summary>The product keeps to <c>docs/architecture.md</c>: no arrow that is not on it, no circle, no exceptions.</summary>
public sealed class ArchitectureTests
{
    private static readonly ArchitecturePage Page = ArchitecturePage.Read();
    private static readonly Lazy<ArchUnitNET.Domain.Architecture> Product =
        new(() => new ArchLoader().LoadAssemblies([.. Page.Assemblies.Keys.Select(Load)]).Build());

    private static IEnumerable<string> Assemblies => Page.Assemblies.Keys;

    [Test]
    public void ThePageNamesEveryAssemblyAndFolder()
    {
        string source = Path.Combine(Repository.Root, "src");
        Assert.That(Directory.EnumerateDirectories(source).Select(Path.GetFileName), Is.EquivalentTo(Page.Assemblies.Keys));
        Assert.That(Page.Folders.Keys, Is.EquivalentTo(Page.Assemblies.Keys));
        foreach (var (assembly, folders) in Page.Folders)
        {
            string root = Path.Combine(source, assembly);
            var found = Directory.EnumerateDirectories(root).Where(d => Directory.EnumerateFiles(d, "*.cs", SearchOption.AllDirectories).Any())
                .Select(d => Path.GetFileName(d)!).Where(d => d is not ("bin" or "obj"))
                .Concat(Directory.EnumerateFiles(root, "*.cs").Any() ? [ArchitecturePage.OwnFiles] : []);
            Assert.That(folders, Is.EquivalentTo(found), assembly);
        }
    }

    [Test]
    public void ThePictureNamesEveryAssembly()
    {
        string picture = File.ReadAllText(Path.Combine(Repository.Root, "docs", "architecture.svg"));
        Assert.That(Page.Assemblies.Keys.Where(a => !picture.Contains($">{a}<", StringComparison.Ordinal)), Is.Empty);
    }

    [TestCaseSource(nameof(Assemblies))]
    public void AssembliesUseOnlyWhatLiesBelow(string assembly)
    {
        var references = Load(assembly).GetReferencedAssemblies().Select(a => SourceName(a.Name!)).Where(Page.Assemblies.ContainsKey);
        Assert.That(references, Is.SubsetOf(Page.Below(assembly)));
        Assert.That(Page.Below(assembly), Does.Not.Contain(assembly), "a circle on the page");
    }

    [TestCaseSource(nameof(Assemblies))]
    public void FoldersUseOnlyThoseBeforeThem(string assembly)
    {
        string[] order = Page.Folders[assembly];
        var forbidden = Uses(assembly)
            .Select(use => (From: Folder(assembly, use.From), To: Folder(assembly, use.To), use))
            .Where(use => Array.IndexOf(order, use.To) > Array.IndexOf(order, use.From))
            .Select(use => $"{use.From} -> {use.To}: {use.use.From.FullName} uses {use.use.To.FullName}");
        Assert.That(forbidden.Distinct().Order(), Is.Empty);
    }

    [TestCaseSource(nameof(Assemblies))]
    public void FoldersOfOneFolderHaveNoCircle(string assembly)
    {
        var arrows = Uses(assembly).Select(use => Siblings(use.From.Namespace.FullName, use.To.Namespace.FullName)).OfType<(string From, string To)>()
            .ToHashSet();
        var nodes = arrows.SelectMany(a => new[] { a.From, a.To }).ToHashSet();
        // What nothing that is left uses can be taken away; in a circle something always remains.
        while (nodes.RemoveWhere(n => !arrows.Any(a => a.To == n && nodes.Contains(a.From))) > 0)
        {
        }
        Assert.That(nodes, Is.Empty);
    }

    /// <summary>Which type of the assembly uses which other type of it, nested and generated ones included.</summary>
    private static IEnumerable<(IType From, IType To)> Uses(string assembly)
    {
        var own = Product.Value.Types.Where(t => t.Assembly.Name.Split(',')[0] == BinaryName(assembly) && Folder(assembly, t) is not null).ToHashSet();
        Assert.That(own, Is.Not.Empty);
        return own.SelectMany(from => from.Dependencies.Select(d => d.Target).Where(own.Contains).Select(to => (from, to)));
    }

    private static string? Folder(string assembly, IType type)
    {
        string name = type.Namespace.FullName;
        if (name.Length == 0 || name == assembly) return ArchitecturePage.OwnFiles;
        return name.StartsWith(assembly + ".", StringComparison.Ordinal) ? name[(assembly.Length + 1)..].Split('.')[0] : null;
    }

    /// <summary>The two folders side by side in which an arrow begins and ends; null where one contains the other.</summary>
    private static (string, string)? Siblings(string from, string to)
    {
        string[] a = from.Split('.'), b = to.Split('.');
        int common = a.Zip(b).TakeWhile(p => p.First == p.Second).Count();
        return common == a.Length || common == b.Length ? null : (string.Join('.', a[..(common + 1)]), string.Join('.', b[..(common + 1)]));
    }

    private static Assembly Load(string name) => Assembly.LoadFrom(Path.Combine(AppContext.BaseDirectory, BinaryName(name) + ".dll"));

    // The two programs are called otherwise than their folders.
    private static string BinaryName(string name) => name switch
    {
        "CudaAttribution.Cli" => "cudattr",
        "CudaAttribution.GpuQueue" => "gpu-queue",
        _ => name,
    };

    private static string SourceName(string binary) => Page.Assemblies.Keys.FirstOrDefault(a => BinaryName(a) == binary) ?? binary;
}
