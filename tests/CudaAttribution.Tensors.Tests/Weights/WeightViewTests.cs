using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Tensors.Tests.Weights;

/// <summary>Views over sources, writing from a source, and text of files in messages.</summary>
public sealed class WeightViewTests
{
    private readonly HostWeights _source = new(
        "source",
        new Dictionary<string, HostTensor>
        {
            ["a"] = HostTensor.From([0f, 1, 2, 3, 4, 5], [3, 2]),
            ["b"] = HostTensor.From([6f, 7], [2]),
            ["h"] = HostTensor.From([(Half)1, (Half)2], [2]),
            ["i"] = HostTensor.From(new[] { 1L, 2L }, [2]),
            ["z"] = HostTensor.From(Array.Empty<float>(), [0, 2]),
        });

    [Test]
    public void Parts_are_cut_and_put_together()
    {
        var view = new WeightView("view");
        view.Add("middle", [1, 2], new WeightPart(_source, "a", 2, 2));
        view.Add(
            "all", [5, 2], WeightPart.Whole(_source, "a"), WeightPart.Whole(_source, "z"), WeightPart.Whole(_source, "b"),
            new WeightPart(_source, "a", 0, 2));
        view.Add("flat", _source, "a", new Shape(6));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(view.Weights.Keys, Is.EqualTo(new[] { "all", "flat", "middle" }));
            Assert.That(view.ReadF32("middle"), Is.EqualTo(new[] { 2f, 3 }));
            Assert.That(view.ReadF32("flat"), Is.EqualTo(new[] { 0f, 1, 2, 3, 4, 5 }));
            Assert.That(view.Weights["flat"].Shape, Is.EqualTo(new Shape(6)));
        }
        float[] all = [0, 1, 2, 3, 4, 5, 6, 7, 0, 1];
        for (int start = 0; start <= all.Length; start++)
        {
            for (int count = 0; count <= all.Length - start; count++)
            {
                float[] part = new float[count];
                view.ReadF32("all", start, part);
                Assert.That(part, Is.EqualTo(all[start..(start + count)]));
            }
        }
    }

    [Test]
    public void Views_that_do_not_fit_are_refused()
    {
        var view = new WeightView("view");
        view.Add("a", _source, "a");
        Assert.That(() => view.Add("a", _source, "b"), Throws.TypeOf<WeightFileException>().With.Message.Contains("both 'a' and 'b'"));
        Assert.That(() => view.Add("c", _source, "a", new Shape(7)), Throws.TypeOf<WeightFileException>().With.Message.Contains("7 elements"));
        Assert.That(
            () => view.Add("c", [4], WeightPart.Whole(_source, "b"), WeightPart.Whole(_source, "h")),
            Throws.TypeOf<WeightFileException>().With.Message.Contains("F32").And.Message.Contains("F16"));
        Assert.That(() => view.Add("c", _source, "none"), Throws.TypeOf<WeightFileException>());
        Assert.That(() => view.ReadF32("none"), Throws.TypeOf<WeightFileException>());
        Assert.That(() => view.Read("a", 0, new byte[5]), Throws.ArgumentException);
        Assert.That(() => view.Read("a", 5, new byte[8]), Throws.ArgumentException);
        Assert.That(() => view.Read("a", long.MaxValue, new byte[8]), Throws.ArgumentException);
    }

    [Test]
    public void A_source_is_written_as_its_tensors_would_be([Values(DType.F32, DType.F16, DType.BF16)] DType type)
    {
        using var folder = new TestFolder();
        var values = new float[(1 << 20) + 7]; // more than one piece
        for (int i = 0; i < values.Length; i++) values[i] = (i - 500_000) * 0.013f;
        var tensors = new Dictionary<string, HostTensor>
        {
            ["long"] = HostTensor.From(values, [values.Length]), ["i"] = HostTensor.From(new[] { 3L }, [1]),
        };
        SafetensorsWriter.Write(folder["a"], tensors, floats: type);
        SafetensorsWriter.Write(folder["b"], new HostWeights("b", tensors), floats: type);
        Assert.That(File.ReadAllBytes(folder["a"]).AsSpan().SequenceEqual(File.ReadAllBytes(folder["b"])));
        using var file = SafetensorsFile.Open(folder["b"]);
        float[] read = file.ReadF32("long");
        for (int i = 0; i < values.Length; i++)
        {
            // Rounding itself is tested where files of tensors in memory are written; here every element must be near its own value.
            double error = Math.Abs((double)read[i] - values[i]), unit = type == DType.BF16 ? 1.0 / 256 : type == DType.F16 ? 1.0 / 2048 : 0;
            if (error > unit * Math.Abs(values[i])) Assert.Fail($"element {i} is {read[i]}, not {values[i]}");
        }
    }

    [Test]
    public void A_source_keeps_its_types_or_has_all_changed()
    {
        using var folder = new TestFolder();
        SafetensorsWriter.Write(folder["a"], _source);
        using (var file = SafetensorsFile.Open(folder["a"]))
        {
            Assert.That(file.Weights.Select(w => (w.Key, w.Value)), Is.EqualTo(_source.Weights.Select(w => (w.Key, w.Value))));
            foreach (string name in _source.Weights.Keys) Assert.That(file.Read(name).Bytes.SequenceEqual(_source.ReadTensor(name).Bytes), name);
        }
        SafetensorsWriter.Write(folder["a"], _source, floats: DType.BF16);
        using var narrow = SafetensorsFile.Open(folder["a"]);
        Assert.That(
            narrow.Weights.Values.Select(w => w.Type), Is.EqualTo(new[] { DType.BF16, DType.BF16, DType.BF16, DType.I64, DType.BF16 }));
        Assert.That(narrow.ReadF32("h"), Is.EqualTo(new[] { 1f, 2 }));
    }

    [Test]
    public void A_source_that_fails_leaves_nothing()
    {
        using var folder = new TestFolder();
        using var large = new HostWeights("large", new Dictionary<string, HostTensor> { ["x"] = HostTensor.From([1f, 1e9f], [2]) });
        Assert.That(
            () => SafetensorsWriter.Write(folder["a"], large, floats: DType.F16),
            Throws.TypeOf<SafetensorsException>().With.Message.Contains("element 1 is 1E+09"));
        Assert.That(Directory.EnumerateFileSystemEntries(folder.Path), Is.Empty);
    }

    [Test]
    public void One_number_is_read_from_any_type()
    {
        var scalars = new Dictionary<string, HostTensor>
        {
            ["F32"] = HostTensor.From([2.5f], []), ["F64"] = HostTensor.From([0.1], [1]), ["F16"] = HostTensor.From([(Half)2.5], [1, 1]),
            ["BF16"] = HostTensor.FromBFloat16([0x4020], []), ["I64"] = HostTensor.From(new[] { 1L << 40 }, []),
            ["I32"] = HostTensor.From(new[] { -3 }, []), ["U8"] = HostTensor.From(new byte[] { 200 }, []),
        };
        using var source = new HostWeights("scalars", scalars);
        Assert.That(
            scalars.Keys.Select(n => source.ReadScalar(n)), Is.EqualTo(new[] { 2.5, 0.1, 2.5, 2.5, 1099511627776, -3, 200 }));
        Assert.That(() => _source.ReadScalar("b"), Throws.TypeOf<WeightFileException>().With.Message.Contains("one number"));
    }

    [Test]
    public void Text_of_files_is_fit_for_a_terminal()
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(PrintableText.Of("a\u001b[31m\nb\u202e"), Is.EqualTo("a\\u001b[31m\\u000ab\\u202e"));
            Assert.That(PrintableText.Of(new string('x', 1_000_000)), Has.Length.LessThan(300).And.Contains("1,000,000 characters"));
            Assert.That(PrintableText.List(Enumerable.Range(0, 13).Select(i => $"{i}")), Is.EqualTo("0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 3 more"));
            Assert.That(new WeightFileException("p", "n\n", "r\u0007").Message, Is.EqualTo("p: tensor 'n\\u000a': r\\u0007"));
        }
    }
}
