using System.Text;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using CudaAttribution.Chain;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Images;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Manifests;

namespace CudaAttribution.Twins;

/// <summary>One of the exchangeable models.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Seed">The seed that it was trained with; null where that is not known.</param>
/// <param name="Identity">Its identity.</param>
/// <param name="Pages">Hash of the pixels of each page of its sheet.</param>
public sealed record TwinModel(string Name, ulong? Seed, string Identity, IReadOnlyList<string> Pages);

/// <summary>
/// A source and its twins as a test needs them: who they are and their pictures, without their weights. The file <c>twins.json</c> and, for each model,
/// lossless pages in <c>sheets/</c>.
/// </summary>
public sealed class TwinSet
{
    public const string FileName = "twins.json";
    public const string CurrentSchema = "cudattr-twins-1";

    /// <summary>What to know of a set whose source its own recipe and seed did not give.</summary>
    public const string NotReproduced =
        "training with the source's own seed gave another model. This program's version or kernels are not those that trained the source, and its twins are "
        + "like it only as far as that makes no difference. To be sure, train the source anew.";

    private readonly string _folder;
    private readonly (int Number, RgbImage Picture)?[] _read;

    private TwinSet(string folder, Stored stored)
    {
        (_folder, Design, Version, Models) = (folder, stored.Design, stored.Version, stored.Models);
        SourceReproduced = stored.SourceReproduced;
        _read = new (int, RgbImage)?[Models.Count];
        Root = new MerkleTree(Models.Select(Leaf)).Root;
    }

    public TwinDesign Design { get; }

    /// <summary>Version of the program that drew the pictures.</summary>
    public string Version { get; }

    /// <summary>Whether training with the source's own seed gave the source, bit for bit; null where its seed is not known.</summary>
    public bool? SourceReproduced { get; }

    /// <summary>The source, then the twins.</summary>
    public IReadOnlyList<TwinModel> Models { get; }

    /// <summary>Root of a <see cref="MerkleTree"/> over the models in their order: identity and hashes of the pages of each, as canonical JSON.</summary>
    public string Root { get; }

    /// <summary>Writes a set whose pages are in the folder already, and reads it.</summary>
    /// <exception cref="UserException">It is not a set.</exception>
    public static TwinSet Save(RunFolder folder, TwinDesign design, bool? sourceReproduced, IReadOnlyList<TwinModel> models)
    {
        folder.WriteJson(FileName, new Stored { Version = RunManifest.ProgramVersion, Design = design, SourceReproduced = sourceReproduced, Models = models });
        return Load(folder.Root);
    }

    /// <summary>Reads a set and checks everything that it says, every picture too.</summary>
    /// <exception cref="UserException">Missing, not a set, or changed.</exception>
    public static TwinSet Load(string folder)
    {
        string file = Path.Combine(folder, FileName);
        var stored = Json.Read<Stored>(file, "set of twins");
        Json.CheckSchema(stored.Schema, CurrentSchema, file);
        stored.Design.Validate(file);
        Check(stored, file);
        var set = new TwinSet(folder, stored);
        // In this order, so that the first that was changed is named.
        foreach (var (model, page) in set.AllPages()) set.ReadPage(model, page);
        return set;
    }

    /// <summary>Copies the set, file by file.</summary>
    public void CopyTo(RunFolder folder)
    {
        foreach (string file in AllPages().Select(p => PageFile(p.Model, p.Page)).Append(FileName))
            folder.Write(file, File.ReadAllBytes(Path.Combine(_folder, file)));
    }

    /// <summary>Where a page of a model's sheet is, in the folder of a set.</summary>
    public static string PageFile(int model, int page) => $"sheets/{model:D3}-{page:D3}.webp";

    /// <summary>The pictures of a model for a prompt. Of each model the last page that was read is held.</summary>
    /// <exception cref="UserException">The page was changed.</exception>
    public RgbImage[] Pictures(int model, int prompt)
    {
        int number = Design.Layout.PageOf(prompt);
        if (_read[model] is not { } page || page.Number != number) _read[model] = page = (number, ReadPage(model, number));
        return Design.Layout.Cut(page.Picture, prompt);
    }

    /// <summary>The pictures of all models for a prompt, the source first.</summary>
    /// <exception cref="UserException">A page was changed.</exception>
    public RgbImage[][] Pictures(int prompt) => [.. Enumerable.Range(0, Models.Count).Select(model => Pictures(model, prompt))];

    private static void Check(Stored stored, string file)
    {
        var (design, models) = (stored.Design, stored.Models);
        if (models.Count != design.Seeds.Count + 1)
            throw Wrong($"there are {models.Count} models, but by the design a source and {design.Seeds.Count} twins");
        foreach (var (j, model) in models.Index())
        {
            if (model.Seed != (j == 0 ? design.Source.Seed : design.Seeds[j - 1]))
                throw Wrong($"'{model.Name}' has the seed {model.Seed}, which is not that of the design");
            if (model.Pages.Count != design.Layout.Pages) throw Wrong($"'{model.Name}' has {model.Pages.Count} pages, not {design.Layout.Pages}");
        }
        if (models[0].Identity != design.Source.Identity) throw Wrong("the first model is not the source");
        foreach (var (what, of) in new (string, Func<TwinModel, string>)[] { ("name", m => m.Name), ("identity", m => m.Identity) })
        {
            if (models.GroupBy(of, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } same)
                throw Wrong($"{same.Count()} models have the {what} '{same.Key}'");
        }

        UserException Wrong(string problem) => new(problem, "Restore the folder, or draw the twins again.", file);
    }

    private static byte[] Leaf(TwinModel model) => Encoding.UTF8.GetBytes(CanonicalJson.Write(new JsonObject
    {
        ["identity"] = model.Identity, ["pages"] = new JsonArray([.. model.Pages]),
    }));

    private IEnumerable<(int Model, int Page)> AllPages() =>
        Enumerable.Range(0, Models.Count).SelectMany(m => Enumerable.Range(0, Design.Layout.Pages).Select(p => (m, p)));

    private RgbImage ReadPage(int model, int page)
    {
        const string Remedy = "Restore the file, or draw the twins again.";
        string file = Path.Combine(_folder, PageFile(model, page));
        var picture = PictureFiles.Read(file, Models[model].Pages[page], Remedy);
        return (picture.Width, picture.Height) == Design.Layout.SizeOf(page)
            ? picture
            : throw new UserException($"a page of {picture.Width} x {picture.Height} pixels is not one of the design", Remedy, file);
    }

    private sealed record Stored
    {
        public string Schema { get; init; } = CurrentSchema;

        public required string Version { get; init; }

        public required TwinDesign Design { get; init; }

        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public bool? SourceReproduced { get; init; }

        public required IReadOnlyList<TwinModel> Models { get; init; }
    }
}
