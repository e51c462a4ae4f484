using System.Text.Json;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Tensors.Tests.Weights;

/// <summary>Sets of files with an index: read as one, and every disagreement between index and files named.</summary>
public sealed class ShardedWeightsTests
{
    private const string First = "shards-00001-of-00002.safetensors", Second = "shards-00002-of-00002.bin", Index = "shards.safetensors.index.json";

    private TestFolder _folder = null!;

    [SetUp]
    public void CopyFiles()
    {
        _folder = new TestFolder();
        foreach (string name in (string[])[First, Second, Index]) File.Copy(Golden.File($"weights/{name}"), _folder[name]);
    }

    [TearDown]
    public void RemoveFolder() => _folder.Dispose();

    [Test]
    public void Is_read_as_one()
    {
        using var expected = JsonDocument.Parse(File.ReadAllText(Golden.File("weights/shards.json")));
        using var weights = WeightFiles.Open(_folder[Index]);
        var tensors = expected.RootElement.EnumerateObject().ToArray();
        Assert.That(weights.Weights.Keys, Is.EqualTo(tensors.Select(t => t.Name)));
        foreach (var tensor in tensors)
        {
            Assert.That(weights.Weights[tensor.Name].Shape, Is.EqualTo(new Shape(3, 2)));
            float[] values = weights.ReadF32(tensor.Name);
            Assert.That(Convert.ToHexStringLower([.. values.SelectMany(BitConverter.GetBytes)]), Is.EqualTo(tensor.Value.GetString()));
            float[] tail = new float[2];
            weights.ReadF32(tensor.Name, 4, tail);
            Assert.That(tail, Is.EqualTo(values[4..]));
        }
        Assert.That(weights.Metadata["format"], Is.EqualTo("pt"));
        Assert.That(() => weights.ReadF32("none"), Throws.TypeOf<WeightFileException>().With.Message.Contains("no such tensor"));
    }

    [TestCase("../" + Second)]
    [TestCase("..")]
    [TestCase("/etc/passwd")]
    [TestCase("sub/" + Second)]
    [TestCase("sub\\\\" + Second)]
    [TestCase("C:" + Second)]
    [TestCase("")]
    [TestCase(Index)]
    public void A_file_elsewhere_is_refused(string file) =>
        Refused(text => text.Replace(Second, file), "only the plain name of a file beside the index");

    [Test]
    public void A_missing_file_is_named()
    {
        File.Delete(_folder[Second]);
        Refused(text => text, $"1 of its 2 files are missing in {_folder.Path}: {Second}");
    }

    [Test]
    public void A_tensor_in_no_file_in_no_index_or_in_two_files_is_named()
    {
        Refused(
            text => text.Replace("\"layer.3.weight\":", "\"layer.4.weight\":"), "'layer.3.weight': it is in " + Second + ", but not in the index");
        Refused(
            text => text.Replace("\"weight_map\":{", "\"weight_map\":{\"layer.9.weight\":\"" + First + "\","),
            "'layer.9.weight': the index says it is in");
        Refused(text => text.Replace($"\"layer.1.weight\":\"{First}\"", $"\"layer.1.weight\":\"{Second}\""), "must be in one file only");
        SafetensorsWriter.Write(_folder["third.safetensors"], new Dictionary<string, HostTensor> { ["layer.0.weight"] = HostTensor.From([1f], [1]) });
        Refused(
            text => text.Replace("\"weight_map\":{", "\"weight_map\":{\"extra\":\"third.safetensors\","),
            "'layer.0.weight': it is in third.safetensors, but the index says " + First);
    }

    [TestCase("[]", "no object 'weight_map'")]
    [TestCase("{}", "no object 'weight_map'")]
    [TestCase("{\"weight_map\": []}", "no object 'weight_map'")]
    [TestCase("{\"weight_map\": {}}", "is empty")]
    [TestCase("{\"weight_map\": {\"a\": 1}}", "names no file")]
    [TestCase("{\"weight_map\": {\"a\": \"x\", \"a\": \"y\"}}", "not valid JSON")]
    [TestCase("{\"weight_map\": {\"\\ud800\": \"x\"}}", "not valid JSON")]
    [TestCase("{", "not valid JSON")]
    public void A_wrong_index_is_refused(string index, string reason) => Refused(_ => index, reason);

    [Test]
    public void A_damaged_file_of_the_set_is_named()
    {
        File.WriteAllText(_folder[First], "{}");
        Refused(text => text, First);
    }

    private void Refused(Func<string, string> change, string reason)
    {
        string path = _folder[$"changed.{Index}"];
        File.WriteAllText(path, change(File.ReadAllText(_folder[Index])));
        Assert.That(() => WeightFiles.Open(path), Throws.InstanceOf<WeightFileException>().With.Message.Contains(reason));
    }
}
