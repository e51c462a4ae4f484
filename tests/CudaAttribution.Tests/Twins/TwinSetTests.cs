using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Manifests;
using CudaAttribution.Tests.World;
using CudaAttribution.Twins;

namespace CudaAttribution.Tests.Twins;

public class TwinSetTests
{
    private static readonly TwinWorld World = new(models: 4, prompts: 3);

    [Test]
    public void WhatIsWrittenIsRead()
    {
        string folder = TestFolder.New("set");
        World.Save(folder);
        var set = TwinSet.Load(folder);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Json.Write(set.Design), Is.EqualTo(Json.Write(World.Design())));
            Assert.That(set.Models.Select(m => m.Name), Is.EqualTo(["model 0", "model 1", "model 2", "model 3"]));
            Assert.That((set.Version, set.SourceReproduced), Is.EqualTo((RunManifest.ProgramVersion, true)));
            for (int m = 0; m < World.Models; m++)
            {
                for (int p = 0; p < World.Prompts.Length; p++) Assert.That(set.Pictures(m, p), Is.EqualTo(World.Of(m, p)), $"{m}, {p}");
            }
        }
    }

    [Test]
    public void PagesAreReadAsTheyAreAskedFor()
    {
        var large = new TwinWorld(models: 2, prompts: 3, draws: 2, side: 600);
        var set = large.Save(TestFolder.New("set"));
        Assert.That(set.Models[0].Pages, Has.Count.EqualTo(3));
        foreach (int prompt in (int[])[2, 0, 0, 1])
            foreach (int model in (int[])[1, 0]) Assert.That(set.Pictures(model, prompt), Is.EqualTo(large.Of(model, prompt)));
    }

    /// <summary>RFC 6962 by hand: two subtrees of two leaves.</summary>
    [Test]
    public void TheRootIsOverIdentitiesAndPages()
    {
        var set = World.Save(TestFolder.New("set"));
        byte[][] leaves =
        [
            .. set.Models.Select(m => SHA256.HashData(
                [0, .. Encoding.UTF8.GetBytes($"{{\"identity\":\"{m.Identity}\",\"pages\":[\"{m.Pages.Single()}\"]}}")])),
        ];
        byte[] root = Node(Node(leaves[0], leaves[1]), Node(leaves[2], leaves[3]));
        Assert.That(set.Root, Is.EqualTo(Convert.ToHexStringLower(root)));
        Assert.That(World.Save(TestFolder.New("other"), [1, 0, 2, 3]).Root, Is.Not.EqualTo(set.Root), "the order counts");

        static byte[] Node(byte[] left, byte[] right) => SHA256.HashData([1, .. left, .. right]);
    }

    private static readonly (string Said, Action<JsonNode> Damage)[] Damages =
    [
        ("the schema is 'x'", t => t["schema"] = "x"),
        ("not a valid set of twins", t => t["colour"] = 1),
        ("not a valid set of twins", t => t.AsObject().Remove("version")),
        ("not a valid set of twins", t => t["models"] = null),
        ("there is no twin", t => t["design"]!["seeds"] = new JsonArray()),
        ("two twins have the seed 1001", t => t["design"]!["seeds"]![1] = 1001),
        ("a twin has the source's own seed 1000", t => t["design"]!["seeds"]![1] = 1000),
        ("there is no prompt", t => t["design"]!["prompts"] = new JsonArray()),
        ("the prompt 'prompt 1' is there 2 times", t => t["design"]!["prompts"]![0] = "prompt 1"),
        ("1 pictures of each prompt", t => t["design"]!["draws"] = 1),
        ("4000 pictures of each prompt", t => t["design"]!["draws"] = 4000),
        ("the side of a picture is 0", t => t["design"]!["side"] = 0),
        ("states nothing", t => t["design"]!["statement"] = " "),
        ("Steps is 0", t => t["design"]!["recipe"]!["steps"] = 0),
        ("there are 3 models, but by the design a source and 3 twins", t => t["models"]!.AsArray().RemoveAt(3)),
        ("the seed 77, which is not that of the design", t => t["models"]![2]!["seed"] = 77),
        ("the first model is not the source", t => t["models"]![0]!["identity"] = "another"),
        ("2 models have the name 'model 1'", t => t["models"]![2]!["name"] = "model 1"),
        ("2 models have the identity", t => t["models"]![2]!["identity"] = t["models"]![1]!["identity"]!.DeepClone()),
        ("'model 1' has 0 pages, not 1", t => t["models"]![1]!["pages"] = new JsonArray()),
        ("001-000.webp: the picture was changed", t => t["models"]![1]!["pages"]![0] = new string('0', 64)),
        ("000-000.webp: a page of 24 x 24 pixels is not one of the design", t => t["design"]!["side"] = 4),
    ];

    [TestCaseSource(nameof(Damages))]
    public void AChangedFileIsRefused((string Said, Action<JsonNode> Damage) of)
    {
        string folder = TestFolder.New("set"), file = Path.Combine(folder, TwinSet.FileName);
        World.Save(folder);
        var stored = JsonNode.Parse(File.ReadAllText(file))!;
        of.Damage(stored);
        File.WriteAllText(file, stored.ToJsonString());
        Assert.That(() => TwinSet.Load(folder), Throws.TypeOf<UserException>().With.Message.Contains(of.Said));
    }

    [Test]
    public void AChangedPictureIsNamedAlsoAfterwards()
    {
        string folder = TestFolder.New("set"), page = Path.Combine(folder, TwinSet.PageFile(2, 0));
        var set = World.Save(folder);
        byte[] before = File.ReadAllBytes(page);
        var layout = new SheetLayout(World.Prompts.Length, World.Draws, World.Side);
        var other = layout.Compose(0, (prompt, draw) => World.Of(2, prompt)[draw]);
        other.Pixels[5] ^= 1;
        File.WriteAllBytes(page, ImageCodecs.EncodeWebPLossless(other));
        Refused("the picture was changed");
        File.WriteAllBytes(page, before[..^7]);
        Refused("cannot read this picture");
        File.Delete(page);
        Refused("cannot read this picture");
        // The same pixels in another file are the same picture.
        other.Pixels[5] ^= 1;
        File.WriteAllBytes(page, ImageCodecs.EncodePng(other));
        Assert.That(TwinSet.Load(folder).Root, Is.EqualTo(set.Root));

        void Refused(string said)
        {
            Assert.That(() => TwinSet.Load(folder), Throws.TypeOf<UserException>().With.Message.Contains(said).And.Message.Contains(page));
        }
    }

    [Test]
    public void APageThatChangesAfterItWasLoadedIsNamed()
    {
        var large = new TwinWorld(models: 2, prompts: 2, draws: 2, side: 600);
        string folder = TestFolder.New("set");
        var set = large.Save(folder);
        _ = set.Pictures(1, 0);
        File.Copy(Path.Combine(folder, TwinSet.PageFile(0, 1)), Path.Combine(folder, TwinSet.PageFile(1, 1)), overwrite: true);
        Assert.That(() => set.Pictures(1, 1), Throws.TypeOf<UserException>().With.Message.Contains("001-001.webp: the picture was changed"));
    }

    [Test]
    public void NoSetIsNoSet() =>
        Assert.That(() => TwinSet.Load(TestFolder.New("nothing")), Throws.TypeOf<UserException>().With.Message.Contains("cannot read this set of twins"));

    [Test]
    public void ASourceOfUnknownSeedHasNone()
    {
        var design = World.Design();
        design = design with { Source = design.Source with { Seed = null } };
        Assert.That(() => design.Validate(), Throws.Nothing);
    }
}
