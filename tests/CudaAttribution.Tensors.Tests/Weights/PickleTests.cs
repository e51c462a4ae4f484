using System.IO.Compression;
using System.Text;
using CudaAttribution.Tensors.Weights;
using CudaAttribution.Tensors.Weights.Torch;
using static CudaAttribution.Tensors.Tests.Weights.TorchArchive;

namespace CudaAttribution.Tensors.Tests.Weights;

/// <summary>Pickles made by hand: every way out of a storage, out of the stack and beyond the limits.</summary>
public sealed class PickleTests
{
    private static readonly Dictionary<string, byte[]> Six = new() { ["0"] = Floats(0, 1, 2, 3, 4, 5) };

    private TestFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new TestFolder();

    [TearDown]
    public void RemoveFolder() => _folder.Dispose();

    [Test]
    public void A_file_made_by_hand_is_read()
    {
        using var file = Open(Dict(Text("w"), Tensor(Storage("FloatStorage", "0", 6), 1, [2, 2], [1, 2])), Six);
        Assert.That(file.ReadF32("w"), Is.EqualTo(new[] { 1f, 3, 2, 4 }));
    }

    [TestCase(0, new long[] { 7 }, new long[] { 1 }, "does not lie inside")]
    [TestCase(6, new long[] { 1 }, new long[] { 1 }, "does not lie inside")]
    [TestCase(1, new long[] { 2, 3 }, new long[] { 3, 1 }, "does not lie inside")]
    [TestCase(-1, new long[] { 2 }, new long[] { 1 }, "does not lie inside")]
    [TestCase(5, new long[] { 2 }, new long[] { -1 }, "does not lie inside")]
    [TestCase(0, new long[] { -2 }, new long[] { 1 }, "does not lie inside")]
    [TestCase(0, new long[] { 2 }, new[] { long.MaxValue }, "does not lie inside")]
    [TestCase(long.MaxValue, new long[] { 2 }, new[] { long.MaxValue }, "does not lie inside")]
    [TestCase(0, new[] { 4294967297L }, new long[] { 0 }, "does not lie inside")]
    [TestCase(0, new long[] { 2147483647, 2147483647, 2147483647 }, new long[] { 0, 0, 0 }, "repeats the elements")]
    [TestCase(0, new long[] { 2, 3 }, new long[] { 1 }, "2 sizes and 1 strides")]
    [TestCase(0, new long[] { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 }, new long[] { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 },
        "at most 16")]
    public void A_tensor_outside_its_storage_is_refused(long offset, long[] sizes, long[] strides, string reason) =>
        Refused(Dict(Text("w"), Tensor(Storage("FloatStorage", "0", 6), offset, sizes, strides)), reason, Six);

    [Test]
    public void A_storage_outside_the_archive_is_refused()
    {
        Refused(Dict(Text("w"), Tensor(Storage("FloatStorage", "0", 7), 0, [1], [1])), "has 24 bytes, 7 elements", Six);
        Refused(Dict(Text("w"), Tensor(Storage("FloatStorage", "../../0", 6), 0, [1], [1])), "has no file 'archive/data/../../0'", Six);
        Refused(Dict(Text("w"), Tensor(Storage("FloatStorage", "0", -1), 0, [0], [1])), "no storage of PyTorch", Six);
        Refused(Dict(Text("w"), Tensor(Storage("NoStorage", "0", 6), 0, [1], [1])), "'torch.NoStorage' is no storage class", Six);
        Refused(Dict(Text("w"), Tensor(Int(0), 0, [1], [1])), "has no storage", Six);
        Refused(Dict(Text("w"), [.. Text("path"), (byte)'Q']), "outside it", Six);
    }

    [TestCase("posix", "system")]
    [TestCase("os.path", "join")]
    [TestCase("subprocess", "Popen")]
    [TestCase("builtins", "__import__")]
    [TestCase("__builtin__", "eval")]
    [TestCase("importlib", "import_module")]
    public void A_name_that_acts_is_refused_even_where_it_is_not_called(string module, string name) => Refused(
        Dict(Text("w"), Tensor(Storage("FloatStorage", "0", 6), 0, [1], [1]), Text("x"), Global(module, name)), $"'{module}.{name}'", Six);

    [Test]
    public void Anything_else_is_left_out_and_the_tensors_stay()
    {
        byte[] call = [.. Global("some.module", "Thing"), .. Tuple(Int(1)), .. Reduce];
        byte[] built = [.. Global("some.module", "Other"), (byte)')', 0x81, .. Items(Text("a"), Int(1)), (byte)'b'];
        byte[] filled = [.. call, .. Mark, .. Text("k"), .. call, .. SetItems, .. Mark, .. Int(1), (byte)'e'];
        byte[] tensor = Tensor(Storage("FloatStorage", "0", 6), 0, [6], [1]);
        using var file = Open(Dict(Text("w"), tensor, Text("a"), call, Text("b"), built, Text("c"), filled, Int(3), Int(4)), Six);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(file.Weights.Keys, Is.EqualTo(new[] { "w" }));
            Assert.That(file.Unread.Keys, Is.EqualTo(new[] { "a", "b", "c" }));
            Assert.That(file.Unread["b"], Does.Contain("some.module.Other"));
            Assert.That(file.SkippedGlobals, Is.EqualTo(new[] { "some.module.Other", "some.module.Thing" }));
        }
    }

    [TestCase("x")]
    [TestCase("\u0080\u0002")]
    [TestCase("\u0080\u0001}.", "protocol 1")]
    [TestCase("\u0080\u0002.", "a value that is not there")]
    [TestCase("\u0080\u0002u.", "ends a group")]
    [TestCase("\u0080\u0002(.", "a value that is not there")]
    [TestCase("\u0080\u0002}(K\u0001u.", "without a value")]
    [TestCase("\u0080\u0002](K\u0001K\u0002u.", "no dict")]
    [TestCase("\u0080\u0002}K\u0001a.", "no list")]
    [TestCase("\u0080\u0002h\u0007.", "value 7, which it does not have")]
    [TestCase("\u0080\u0002K\u0001K\u0002R.", "no tuple")]
    [TestCase("\u0080\u0002K\u0001)R.", "no function")]
    [TestCase("\u0080\u0002X\u00ff\u00ff\u00ff\u00ffab.", "middle of a value")]
    [TestCase("\u0080\u0002cabc", "middle of a value")]
    [TestCase("\u0080\u0004K\u0001K\u0002\u0093.", "not text")]
    [TestCase("\u0080\u0002\u0082\u0001.", "0x82")]
    [TestCase("\u0080\u0002Pid\n.", "0x50")]
    [TestCase("\u0080\u0002I1\n.", "0x49")]
    [TestCase("\u0080\u0002(o.", "no class")]
    public void A_damaged_pickle_is_refused(string pickle, string reason = "damaged") => Refused(Encoding.Latin1.GetBytes(pickle), reason);

    [Test]
    public void Limits_hold()
    {
        Refused([0x80, 2, .. Enumerable.Repeat((byte)'}', 1_000_001), (byte)'.'], "more than 1,000,000 values");
        Refused([0x80, 2, (byte)'}', .. Enumerable.Repeat((byte)'2', 10_000_001), (byte)'.'], "more than 10,000,000 operations");
        Refused([0x80, 2, (byte)'}', .. Enumerable.Repeat((byte)0x94, 1_000_001), (byte)'.'], "values to come back to");
        Refused(new byte[(64 << 20) + 1], "at most 67,108,864 are read");
    }

    [Test]
    public void Values_that_contain_themselves_are_no_trouble()
    {
        byte[] cyclic = [(byte)']', (byte)'q', 1, (byte)'h', 1, (byte)'a', .. Items(Text("me"), [(byte)'h', 1])];
        Refused([0x80, 2, .. cyclic, (byte)'.'], "no tensors by name");
        byte[] dict = [0x80, 2, (byte)'}', (byte)'q', 1, .. Text("state_dict"), (byte)'h', 1, (byte)'s', (byte)'.'];
        Refused(dict, "no tensors by name");
    }

    [Test]
    public void An_ordered_dict_of_pairs_is_read()
    {
        byte[] pair = [.. Text("w"), .. Tensor(Storage("FloatStorage", "0", 6), 0, [6], [1]), 0x86];
        byte[] dict = [.. Global("collections", "OrderedDict"), (byte)']', .. pair, (byte)'a', 0x85, .. Reduce];
        using var file = Open([0x80, 2, .. dict, (byte)'.'], Six);
        Assert.That(file.Weights.Keys, Is.EqualTo(new[] { "w" }));
    }

    [Test]
    public void An_archive_of_another_make_is_refused()
    {
        byte[] pickle = Dict(Text("w"), Tensor(Storage("FloatStorage", "0", 6), 0, [6], [1]));
        Refused(Zip([.. pickle, .. new byte[500]], Six, CompressionLevel.Optimal), "compressed", whole: true);
        Refused(Zip(pickle, Six, root: "a/b"), "0 files '*/data.pkl'", whole: true);
        byte[] sound = Zip(pickle, Six);
        int directory = sound.AsSpan().IndexOf("PK\x1\x2"u8);
        Refused(Changed(sound, directory + 42, 0xff), "damaged", whole: true);
        Refused(Changed(sound, directory + 24, 0xff), "compressed", whole: true);
        Refused(Changed(sound, sound.Length - 22 + 16, 0xff), "damaged", whole: true);
        Refused(Changed(sound, sound.Length - 22 + 10, 0x7f), "damaged", whole: true);
    }

    private static byte[] Changed(byte[] bytes, int at, byte value)
    {
        byte[] changed = [.. bytes];
        changed[at] = value;
        return changed;
    }

    private TorchFile Open(byte[] pickle, Dictionary<string, byte[]>? storages = null)
    {
        File.WriteAllBytes(_folder["hand.pt"], Zip(pickle, storages));
        return TorchFile.Open(_folder["hand.pt"]);
    }

    private void Refused(byte[] content, string reason, Dictionary<string, byte[]>? storages = null, bool whole = false)
    {
        File.WriteAllBytes(_folder["hand.pt"], whole ? content : Zip(content, storages));
        Assert.That(() => TorchFile.Open(_folder["hand.pt"]), Throws.TypeOf<WeightFileException>().With.Message.Contains(reason));
    }
}
