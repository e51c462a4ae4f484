using System.Diagnostics;
using System.Text;
using CudaAttribution.Tensors.Weights;
using static CudaAttribution.Tensors.Tests.Weights.TorchArchive;

namespace CudaAttribution.Tensors.Tests.Weights;

/// <summary>
/// Damaged files, ten thousand of each kind in the slow run: every one is read or refused with a sentence that names it, within a bounded time and
/// memory, and nothing is written anywhere.
/// </summary>
public sealed class WeightFuzzTests
{
    private const int Some = 2_500, All = 10_000;
    private const long MaxBytesPerFile = 16 << 20;
    private static readonly TimeSpan MaxTimePerFile = TimeSpan.FromSeconds(10);

    /// <summary>Text of exceptions that the runtime makes: a sentence of ours has none of it.</summary>
    private static readonly string[] RuntimeText =
        ["Object reference", "Index was", "Parameter '", "System.", "   at ", "Arithmetic operation", "Specified", "Collection was", "Exception"];

    private TestFolder _folder = null!;
    private string _path = null!;
    private int _files, _read, _refused;

    [SetUp]
    public void MakeFolder()
    {
        _folder = new TestFolder();
        (_read, _refused) = (0, 0);
    }

    [TearDown]
    public void RemoveFolder()
    {
        Assert.That(Directory.EnumerateFileSystemEntries(_folder.Path), Is.EqualTo(new[] { _path }), "nothing else was written");
        Assert.That(File.Exists("pwned"), Is.False);
        _folder.Dispose();
        TestContext.Out.WriteLine($"{_read} read, {_refused} refused");
        Assert.That(_read + _refused, Is.EqualTo(_files));
        Assert.That(Math.Min(_read, _refused), Is.GreaterThan(_files / 50), "some are still sound, most are not");
    }

    [TestCase(Some)]
    [TestCase(All, Category = "Slow")]
    public void Safetensors(int files)
    {
        _files = files;
        _path = _folder["fuzz.safetensors"];
        byte[] header = Encoding.UTF8.GetBytes(
            """
            {"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},
            "b.c":{"dtype":"F16","shape":[],"data_offsets":[24,26]},
            "d":{"dtype":"I64","shape":[1],"data_offsets":[26,34]},"e":{"dtype":"BF16","shape":[0,4],"data_offsets":[34,34]}}
            """);
        byte[] data = new byte[34];
        const string Words = "{ } [ ] : , \" \\ \\ud800 \\u0000 null true -1 1e400 9223372036854775807 2147483648 \"F32\" \"shape\" [[[[ {\"a\": é";
        var mutator = new Mutator(1, [.. Words.Split(' ').Select(Encoding.UTF8.GetBytes)]);
        for (int i = 0; i < files; i++)
        {
            byte[] changed = mutator.Mutate(header);
            byte[] whole = [.. BitConverter.GetBytes((long)changed.Length), .. changed, .. data];
            Try(i, mutator.Next(4) == 0 ? mutator.Mutate([.. BitConverter.GetBytes((long)header.Length), .. header, .. data]) : whole);
        }
    }

    [TestCase(Some)]
    [TestCase(All, Category = "Slow")]
    public void Pickles(int files)
    {
        _files = files;
        _path = _folder["fuzz.ckpt"];
        var storages = new Dictionary<string, byte[]> { ["0"] = new byte[24], ["1"] = new byte[24] };
        byte[] whole = Tensor(Storage("LongStorage", "1", 3), 0, [3], [1]);
        byte[] parameter = [.. Global("torch._utils", "_rebuild_parameter"), .. Tuple(whole, [0x88], [(byte)'N']), .. Reduce];
        byte[] inner = Items(
            Text("w"), Tensor(Storage("FloatStorage", "0", 6), 0, [2, 3], [3, 1]),
            Text("v"), Tensor(Storage("HalfStorage", "1", 12), 2, [3, 2], [1, 4]),
            Text("p"), parameter);
        byte[] callback = [.. Global("lightning", "Callback"), (byte)')', 0x81, .. Items(Text("a"), Int(1)), (byte)'b'];
        byte[] list = [(byte)']', .. Mark, .. Int(1), .. Text("x"), (byte)'G', 0, 0, 0, 0, 0, 0, 0, 0, (byte)'e', (byte)'q', 7];
        byte[] pickle = Dict(
            Text("epoch"), Int(3), Text("state_dict"), inner, Text("callbacks"), callback, Text("list"), list, Text("again"), [(byte)'h', 7]);
        byte[][] words =
        [
            .. "( . 0 1 2 N J K M G X B C ] l a e ) t } d s u q r h j c R b o i Q".Split(' ').Select(Encoding.Latin1.GetBytes),
            .. Enumerable.Range(0x80, 0x19).Select(code => new[] { (byte)code }), Int(-1), Int(long.MaxValue), Global("posix", "system"),
            Global("torch", "LongStorage"), Global("x", "y"), Ints(0, 0), Ints(2147483647, 2147483647), [0x95, 1, 0, 0, 0, 0, 0, 0, 0],
        ];
        var mutator = new Mutator(2, words);
        for (int i = 0; i < files; i++) Try(i, Zip(mutator.Mutate(pickle), storages));
    }

    [TestCase(Some)]
    [TestCase(All, Category = "Slow")]
    public void Archives(int files)
    {
        _files = files;
        _path = _folder["fuzz.pt"];
        byte[] file = File.ReadAllBytes(Golden.File("weights/views_protocol2.pt"));
        string[] signatures = ["PK\x1\x2", "PK\x3\x4", "PK\x5\x6", "PK\x6\x6", "PK\x6\x7"];
        var mutator = new Mutator(3, [.. signatures.Select(Encoding.Latin1.GetBytes)]);
        int directory = file.AsSpan().IndexOf("PK\x1\x2"u8);
        for (int i = 0; i < files; i++)
        {
            // Half of them in the directory at the end, which is a small part of the file and decides over the rest.
            Try(i, i % 2 == 0 ? mutator.Mutate(file) : [.. file[..directory], .. mutator.Mutate(file.AsSpan(directory))]);
        }
    }

    private void Try(int number, byte[] content)
    {
        File.WriteAllBytes(_path, content);
        long before = GC.GetAllocatedBytesForCurrentThread();
        var watch = Stopwatch.StartNew();
        try
        {
            using var file = WeightFiles.Open(_path);
            foreach (var (name, info) in file.Weights)
            {
                if (info.Type.IsFloat()) file.ReadF32(name);
                else file.ReadTensor(name);
            }
            _read++;
        }
        catch (WeightFileException e)
        {
            _refused++;
            bool clear = e.Message.StartsWith(_path, StringComparison.Ordinal) && e.Message.Length > _path.Length + 15 && e.Message.Length < 4000
                && !e.Message.Any(char.IsControl) && !RuntimeText.Any(t => e.Message.Contains(t, StringComparison.Ordinal));
            if (!clear) Assert.Fail($"file {number}: '{e.Message}' is no clear sentence");
        }
        catch (Exception e)
        {
            Assert.Fail($"file {number} ({Convert.ToBase64String(content)[..Math.Min(4000, content.Length)]}): {e}");
        }
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        if (allocated > MaxBytesPerFile) Assert.Fail($"file {number} of {content.Length} bytes took {allocated:N0} bytes of memory");
        if (watch.Elapsed > MaxTimePerFile) Assert.Fail($"file {number} took {watch.Elapsed}");
    }
}
