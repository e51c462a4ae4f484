using System.Text.Json.Nodes;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Images;
using CudaAttribution.Keys;
using CudaAttribution.Runs;
using CudaAttribution.Tests.World;

namespace CudaAttribution.Tests.Keys;

public class KeySetTests
{
    private readonly KeySet _keys = new TestWorld().Keys(new KeySelectionOptions { Count = 8, PairedCount = 5, Seed = 5 });

    [Test]
    public void ASavedSetIsTheSameSet()
    {
        string folder = TestFolder.New("keys");
        _keys.Save(folder);
        var loaded = KeySet.Load(folder);
        Assert.That(loaded.Hash, Is.EqualTo(_keys.Hash));
        Assert.That(loaded.Keys, Is.EqualTo(_keys.Keys));
        Assert.That(loaded.Header.Options, Is.EqualTo(_keys.Header.Options));
        Assert.That(loaded.Header.Selection, Is.EqualTo(_keys.Header.Selection));
    }

    /// <summary>Any one character of any value of the file: the hash notices.</summary>
    [TestCase("threshold", "0.15", "0.16")]
    [TestCase("prompt", "picture number", "Picture number")]
    [TestCase("for_paired", "true", "false")]
    [TestCase("sel_identities", "stored:sel", "stored:tel")]
    [TestCase("seed", "5", "6")]
    public void AChangedValueIsNoticed(string near, string from, string to)
    {
        string folder = TestFolder.New("keys"), file = Path.Combine(folder, "keys.json");
        _keys.Save(folder);
        string text = File.ReadAllText(file);
        int at = text.IndexOf(from, text.IndexOf($"\"{near}\"", StringComparison.Ordinal), StringComparison.Ordinal);
        File.WriteAllText(file, text[..at] + to + text[(at + from.Length)..]);
        Assert.That(Assert.Throws<UserException>(() => KeySet.Load(folder))!.Message, Does.Contain("changed after it was frozen"));
    }

    [Test]
    public void AChangedPixelIsNoticed()
    {
        string folder = TestFolder.New("keys");
        _keys.Save(folder);
        var picture = PictureFiles.Read(Path.Combine(folder, "003-source.png"));
        byte[] pixels = [.. picture.Pixels];
        pixels[17] ^= 1;
        new RunFolder(folder).WriteImage("003-source.png", new RgbImage(picture.Width, picture.Height, pixels));
        Assert.That(Assert.Throws<UserException>(() => KeySet.Load(folder))!.Message, Does.Contain("003-source.png").And.Contain("changed"));
    }

    [Test]
    public void LayoutAndOrderOfTheFileDoNotMatter()
    {
        string folder = TestFolder.New("keys"), file = Path.Combine(folder, "keys.json");
        _keys.Save(folder);
        var document = JsonNode.Parse(File.ReadAllText(file))!.AsObject();
        var reversed = new JsonObject(document.Reverse().Select(p => KeyValuePair.Create(p.Key, p.Value?.DeepClone())));
        File.WriteAllText(file, reversed.ToJsonString());
        Assert.That(KeySet.Load(folder).Hash, Is.EqualTo(_keys.Hash));
    }

    [TestCase("", "not a valid key set")]
    [TestCase("{", "not a valid key set")]
    [TestCase("[]", "not a valid key set")]
    [TestCase("{}", "changed after it was frozen")]
    public void GarbageIsNamed(string content, string problem)
    {
        string folder = TestFolder.New("keys");
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "keys.json"), content);
        Assert.That(Assert.Throws<UserException>(() => KeySet.Load(folder))!.Message, Does.Contain("keys.json").And.Contain(problem));
    }

    [Test]
    public void AMissingFileIsNamed()
    {
        string folder = TestFolder.New("keys");
        Assert.That(Assert.Throws<UserException>(() => KeySet.Load(folder))!.Message, Does.Contain("keys.json"));
        _keys.Save(folder);
        File.Delete(Path.Combine(folder, "000-training.png"));
        Assert.That(Assert.Throws<UserException>(() => KeySet.Load(folder))!.Message, Does.Contain("000-training.png"));
    }

    [Test]
    public void CanonicalJsonSortsMembersAndKeepsValues()
    {
        var node = JsonNode.Parse("""{ "b": [1, 2.50, "é\u0001"], "a": { "y": null, "x": true } }""");
        Assert.That(CanonicalJson.Write(node), Is.EqualTo("""{"a":{"x":true,"y":null},"b":[1,2.50,"é\u0001"]}"""));
    }
}
