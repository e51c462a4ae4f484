using System.Text;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Tensors.Tests;

public sealed class SafetensorsTests
{
    private string _folder = null!;

    private string Target => Path.Combine(_folder, "file.safetensors");

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("safetensors-").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void Reads_back_what_was_written()
    {
        SafetensorsWriter.Write(Target, Sample, new Dictionary<string, string> { ["format"] = "pt", ["ä\"\\"] = "ü\n" });
        using var file = SafetensorsFile.Open(Target);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(file.Tensors.Keys, Is.EqualTo(Sample.Keys.Order(StringComparer.Ordinal)));
            Assert.That(file.Metadata, Is.EquivalentTo(new Dictionary<string, string> { ["format"] = "pt", ["ä\"\\"] = "ü\n" }));
            foreach (var (name, tensor) in Sample)
            {
                var read = file.Read(name);
                Assert.That((read.Type, read.Shape), Is.EqualTo((tensor.Type, tensor.Shape)), name);
                Assert.That(read.Bytes.SequenceEqual(tensor.Bytes), name);
                Assert.That(file.Tensors[name].Offset % tensor.Type.Size(), Is.Zero, $"{name} is aligned");
            }
        }
    }

    [Test]
    public void Equal_content_gives_equal_bytes()
    {
        SafetensorsWriter.Write(Target, Sample);
        byte[] first = File.ReadAllBytes(Target);
        SafetensorsWriter.Write(Target, Sample.Reverse().ToDictionary());
        Assert.That(File.ReadAllBytes(Target), Is.EqualTo(first));
    }

    [Test]
    public void The_format_is_the_published_one()
    {
        var tensors = new Dictionary<string, HostTensor> { ["b"] = HostTensor.From(new[] { 7 }, [1]), ["a"] = HostTensor.From([1f, -2f], [2, 1]) };
        SafetensorsWriter.Write(Target, tensors);
        const string Header = """{"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"b":{"dtype":"I32","shape":[1],"data_offsets":[8,12]}}""";
        string padded = Header.PadRight((Header.Length + 7) / 8 * 8);
        byte[] data = [0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0, 7, 0, 0, 0];
        byte[] expected = [.. BitConverter.GetBytes((long)padded.Length), .. Encoding.UTF8.GetBytes(padded), .. data];
        Assert.That(File.ReadAllBytes(Target), Is.EqualTo(expected));
    }

    [Test]
    public void Reads_a_file_that_python_made()
    {
        using var file = SafetensorsFile.Open(Golden.File("unet_linear.safetensors"));
        float[] sample = file.ReadF32("input.sample");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(file.Tensors, Has.Count.EqualTo(994));
            Assert.That(file.Tensors["input.sample"].Shape, Is.EqualTo(new Shape(3, 3, 12, 12)));
            Assert.That(sample[..4], Is.EqualTo(new[] { -0.5160644f, 0.3032699f, 0.15905209f, 0.126267f }));
            Assert.That(sample.Sum(v => (double)v), Is.EqualTo(8.279262159834616).Within(1e-12)); // summed by NumPy in float64
        }
    }

    [Test]
    public void Half_precision_is_read_exactly()
    {
        var tensors = new Dictionary<string, HostTensor>
        {
            ["f16"] = HostTensor.From([(Half)1.5, Half.Epsilon, Half.MaxValue, Half.NegativeZero, Half.NaN], [5]),
            ["bf16"] = HostTensor.FromBFloat16([0x3FC0, 0x0001, 0x7F7F, 0x8000, 0x7F80], [5]),
            ["f64"] = HostTensor.From([1.5, 1 + 1e-12, 1e300], [3]),
        };
        SafetensorsWriter.Write(Target, tensors);
        using var file = SafetensorsFile.Open(Target);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(file.ReadF32("f16"), Is.EqualTo(new[] { 1.5f, 5.9604645e-8f, 65504f, -0f, float.NaN }));
            Assert.That(file.ReadF32("bf16"), Is.EqualTo(new[] { 1.5f, 9.1835e-41f, 3.3895314e38f, -0f, float.PositiveInfinity }));
            Assert.That(file.ReadF32("f64"), Is.EqualTo(new[] { 1.5f, 1f, float.PositiveInfinity }));
        }
    }

    // 1 + 2^-8 and 1 + 3 * 2^-8 lie halfway between two BF16 numbers, 1 + 2^-11 and 1 + 3 * 2^-11 between two F16 numbers.
    [TestCase(DType.BF16, 1.00390625f, 1f)]
    [TestCase(DType.BF16, 1.01171875f, 1.015625f)]
    [TestCase(DType.BF16, 1.0039064f, 1.0078125f)]
    [TestCase(DType.BF16, -1e-40f, -9.1835e-41f)]
    [TestCase(DType.F16, 1.00048828125f, 1f)]
    [TestCase(DType.F16, 1.00146484375f, 1.001953125f)]
    [TestCase(DType.F16, -1e-7f, -1.1920929e-7f)]
    public void Writing_rounds_to_nearest_even(DType type, float value, float expected)
    {
        var tensors = new Dictionary<string, HostTensor> { ["x"] = HostTensor.From([value], [1]), ["i"] = HostTensor.From(new[] { 3 }, [1]) };
        SafetensorsWriter.Write(Target, tensors, floats: type);
        using var file = SafetensorsFile.Open(Target);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(file.Tensors["x"].Type, Is.EqualTo(type));
            Assert.That(file.ReadF32("x")[0], Is.EqualTo(expected));
            Assert.That(file.Tensors["i"].Type, Is.EqualTo(DType.I32));
        }
    }

    [Test]
    public void Writing_keeps_NaN_and_infinity_but_refuses_to_make_one()
    {
        float sparseNaN = BitConverter.UInt32BitsToSingle(0x7F800001);
        SafetensorsWriter.Write(Target, One(float.PositiveInfinity, sparseNaN), floats: DType.BF16);
        using (var file = SafetensorsFile.Open(Target)) Assert.That(file.ReadF32("x"), Is.EqualTo(new[] { float.PositiveInfinity, float.NaN }));
        Assert.That(
            () => SafetensorsWriter.Write(Target, One(0f, 65520f), floats: DType.F16),
            Throws.InstanceOf<SafetensorsException>().With.Message.Contains("element 1 is 65520").And.Property("Tensor").EqualTo("x"));
    }

    [Test]
    public void A_failed_write_leaves_the_old_file_and_nothing_else()
    {
        SafetensorsWriter.Write(Target, Sample);
        byte[] before = File.ReadAllBytes(Target);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                () => SafetensorsWriter.Write(Target, One(1e9f), floats: DType.F16), Throws.InstanceOf<SafetensorsException>());
            Assert.That(
                () => SafetensorsWriter.Write(Target, new Dictionary<string, HostTensor> { ["__metadata__"] = HostTensor.From([1f], [1]) }),
                Throws.InstanceOf<SafetensorsException>());
            Assert.That(() => SafetensorsWriter.Write(Target, Sample, floats: DType.I32), Throws.ArgumentException);
            Assert.That(File.ReadAllBytes(Target), Is.EqualTo(before));
            Assert.That(Directory.GetFiles(_folder), Is.EqualTo(new[] { Target }));
            Assert.That(
                () => SafetensorsWriter.Write(Path.Combine(_folder, "none", "x"), Sample),
                Throws.InstanceOf<SafetensorsException>().With.Message.Contains("cannot be written"));
        }
    }

    [Test]
    public void A_file_cut_anywhere_is_refused()
    {
        SafetensorsWriter.Write(Target, Sample);
        byte[] whole = File.ReadAllBytes(Target);
        for (int length = 0; length < whole.Length; length++)
        {
            File.WriteAllBytes(Target, whole[..length]);
            Assert.That(
                () => SafetensorsFile.Open(Target),
                Throws.InstanceOf<SafetensorsException>().With.Message.Contains(Target), $"cut to {length} of {whole.Length} bytes");
        }
        File.WriteAllBytes(Target, [.. whole, 0]);
        Assert.That(() => SafetensorsFile.Open(Target), Throws.InstanceOf<SafetensorsException>().With.Message.Contains("belong to no tensor"));
    }

    [TestCase("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""",
        12, "b", "inside the tensor before it")]
    [TestCase("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""",
        8, "b", "inside the tensor before it")]
    [TestCase("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}""",
        12, "b", "4 bytes after")]
    [TestCase("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "a", "4 bytes after")]
    [TestCase("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", 8, "a", "span 8 bytes, F32 [3] takes 12")]
    [TestCase("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", 8, "a", "begin <= end")]
    [TestCase("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,8]}}""", 8, "a", "[begin, end]")]
    [TestCase("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8.5]}}""", 8, "a", "integer")]
    [TestCase("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}""", 8, "a", "integer")]
    [TestCase("""{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", 8, "a", "integer")]
    [TestCase("""{"a":{"dtype":"F32","shape":["2"],"data_offsets":[0,8]}}""", 8, "a", "integer")]
    [TestCase("""{"a":{"dtype":"F32","shape":[4294967298],"data_offsets":[0,8]}}""", 8, "a", "integer")]
    [TestCase("""{"a":{"dtype":"F32","shape":[2147483647,2147483647,2147483647],"data_offsets":[0,8]}}""", 8, "a", "larger than any file")]
    [TestCase("""{"a":{"dtype":"F32","shape":2,"data_offsets":[0,8]}}""", 8, "a", "not an array")]
    [TestCase("""{"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,2],"data_offsets":[0,8]}}""", 8, "a", "17 numbers, at most 16")]
    [TestCase("""{"\ud800":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8, null, "not valid JSON")]
    [TestCase("""{"a":{"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]}}""", 8, "a", "\"F8_E4M3\" is not supported")]
    [TestCase("""{"a":{"dtype":"32","shape":[2],"data_offsets":[0,8]}}""", 8, "a", "is not supported")]
    [TestCase("""{"a":{"dtype":"0","shape":[2],"data_offsets":[0,8]}}""", 8, "a", "is not supported")]
    [TestCase("""{"a":{"dtype":7,"shape":[2],"data_offsets":[0,8]}}""", 8, "a", "is not supported")]
    [TestCase("""{"a":{"dtype":"F32","shape":[2]}}""", 8, "a", "are needed")]
    [TestCase("""{"a":{"dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8]}}""", 8, "a", "twice")]
    [TestCase("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"strides":[1]}}""", 8, "a", "unknown field 'strides'")]
    [TestCase("""{"a":[]}""", 8, "a", "not an object")]
    [TestCase("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""",
        8, "a", "names it twice")]
    [TestCase("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 4, null, "truncated")]
    [TestCase("""{"__metadata__":{"a":1}}""", 0, null, "not a string")]
    [TestCase("""{"__metadata__":[]}""", 0, null, "not an object")]
    [TestCase("""{"__metadata__":{"a":"1","a":"2"}}""", 0, null, "twice")]
    [TestCase("""[]""", 0, null, "begin with '{'")]
    [TestCase(""" {}""", 0, null, "begin with '{'")]
    [TestCase("""{"a":}""", 0, null, "not valid JSON")]
    [TestCase("""{} {}""", 0, null, "not valid JSON")]
    public void A_wrong_header_is_refused(string header, int dataBytes, string? tensor, string reason)
    {
        WriteRaw(Encoding.UTF8.GetBytes(header), new byte[dataBytes]);
        Assert.That(
            () => SafetensorsFile.Open(Target),
            Throws.InstanceOf<SafetensorsException>().With.Message.Contains(reason).And.Message.Contains(Target)
                .And.Property("Tensor").EqualTo(tensor));
    }

    [Test]
    public void Large_headers_of_nonsense_are_refused_soon()
    {
        const int Count = 500_001;
        string empty = string.Concat(Enumerable.Repeat("[],", Count));
        WriteRaw(Encoding.UTF8.GetBytes($"{{\"a\":{{\"dtype\":\"F32\",\"data_offsets\":[0,0],\"shape\":[{empty}[]]}}}}"), []);
        Assert.That(() => SafetensorsFile.Open(Target), Throws.InstanceOf<SafetensorsException>().With.Message.Contains("500,002 numbers"));
        string strings = string.Join(',', Enumerable.Range(0, Count).Select(i => $"\"{i}\":\"\""));
        WriteRaw(Encoding.UTF8.GetBytes($"{{\"__metadata__\":{{{strings}}}}}"), []);
        Assert.That(() => SafetensorsFile.Open(Target), Throws.InstanceOf<SafetensorsException>().With.Message.Contains("more than 500,000 entries"));
        WriteRaw(Encoding.UTF8.GetBytes($"{{\"{new string('a', 1_000_000)}\":0}}"), []);
        Assert.That(() => SafetensorsFile.Open(Target), Throws.InstanceOf<SafetensorsException>().With.Property("Message").Length.LessThan(1000));
    }

    [Test]
    public void A_header_that_is_not_UTF_8_is_refused()
    {
        byte[] header = Encoding.Latin1.GetBytes("""{"é":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""");
        WriteRaw(header, new byte[8]);
        Assert.That(() => SafetensorsFile.Open(Target), Throws.InstanceOf<SafetensorsException>().With.Message.Contains("UTF-8"));
    }

    [TestCase(100_000_001UL)]
    [TestCase(ulong.MaxValue)]
    [TestCase(0x0A_7B_0A_22_64_74_79_70UL)]
    public void A_header_that_claims_too_much_is_refused_before_it_is_read(ulong length)
    {
        File.WriteAllBytes(Target, [.. BitConverter.GetBytes(length), .. "{}"u8]);
        Assert.That(() => SafetensorsFile.Open(Target), Throws.InstanceOf<SafetensorsException>().With.Message.Contains("at most 100,000,000"));
    }

    [Test]
    public void Empty_tensors_and_files_are_fine()
    {
        WriteRaw(
            """
            {"a":{"dtype":"F32","shape":[0,3],"data_offsets":[0,0]},
             "b":{"dtype":"U8","shape":[],"data_offsets":[0,1]},
             "c":{"dtype":"F64","shape":[0],"data_offsets":[1,1]}}

            """u8,
            [9]);
        using (var file = SafetensorsFile.Open(Target))
        {
            using (Assert.EnterMultipleScope())
            {
                Assert.That(file.ReadF32("a"), Is.Empty);
                Assert.That(file.Read("b").Values<byte>(), Is.EqualTo(new byte[] { 9 }));
                Assert.That(file.ReadF32("c"), Is.Empty);
            }
        }
        SafetensorsWriter.Write(Target, new Dictionary<string, HostTensor>());
        using var empty = SafetensorsFile.Open(Target);
        Assert.That(empty.Tensors, Is.Empty);
    }

    [Test]
    public void Refuses_misuse()
    {
        SafetensorsWriter.Write(Target, Sample);
        var file = SafetensorsFile.Open(Target);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                () => file.Read("none"),
                Throws.InstanceOf<SafetensorsException>().With.Message.Contains("no such tensor").And.Property("Tensor").EqualTo("none"));
            Assert.That(() => file.ReadF32("i64"), Throws.InstanceOf<WeightFileException>().With.Message.Contains("I64"));
            Assert.That(() => file.Read("i64").ToF32(), Throws.InvalidOperationException);
            Assert.That(() => file.Read("i64").Values<int>(), Throws.InvalidOperationException);
            Assert.That(() => HostTensor.From([1f], [2]), Throws.ArgumentException);
            Assert.That(() => SafetensorsFile.Open(Path.Combine(_folder, "none")), Throws.InstanceOf<FileNotFoundException>());
            file.Dispose();
            file.Dispose();
            Assert.That(() => file.Read("i64"), Throws.InstanceOf<ObjectDisposedException>());
        }
    }

    [TestCase(float.NaN)]
    [TestCase(float.NegativeInfinity)]
    public void Values_that_no_model_has_are_found(float bad)
    {
        SafetensorsWriter.Write(Target, new Dictionary<string, HostTensor> { ["w"] = HostTensor.From([1f, bad], [2]) });
        using var file = SafetensorsFile.Open(Target);
        float[] values = file.ReadF32("w");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => file.RequireFinite("w", values.AsSpan(0, 1)), Throws.Nothing);
            Assert.That(
                () => file.RequireFinite("w", values),
                Throws.InstanceOf<WeightFileException>().With.Message.Contains("element 1").And.Message.Contains("'w'"));
        }
    }

    private static Dictionary<string, HostTensor> Sample => new()
    {
        ["z.weight"] = HostTensor.From([1f, -2.5f, float.MaxValue, float.Epsilon, 0f, -0f], [2, 3]),
        ["u8"] = HostTensor.From(new byte[] { 1, 2, 3 }, [3]),
        ["Ünï"] = HostTensor.From([0.1, -1e300], [2]),
        ["f16"] = HostTensor.From([(Half)1, (Half)0.1f, (Half)(-2)], [3]),
        ["bf16"] = HostTensor.FromBFloat16([0x3F80], [1]),
        ["i32"] = HostTensor.From(new[] { int.MinValue, 5 }, [2]),
        ["i64"] = HostTensor.From(new[] { long.MinValue }, [1]),
        ["scalar"] = HostTensor.From([3f], new Shape()),
        ["empty"] = HostTensor.From(Array.Empty<float>(), [4, 0]),
    };

    private static Dictionary<string, HostTensor> One(params float[] values) => new() { ["x"] = HostTensor.From(values, [values.Length]) };

    private void WriteRaw(ReadOnlySpan<byte> header, byte[] data) =>
        File.WriteAllBytes(Target, [.. BitConverter.GetBytes((long)header.Length), .. header, .. data]);
}
